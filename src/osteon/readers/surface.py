"""Surfaces: PLY and STL triangle meshes in millimetres."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from osteon.errors import DataError, message
from osteon.readers.files import refusing, replacing
from osteon.value import Surface


def read_surface(path: Path | str) -> Surface:
    """A triangle mesh, vertices in mm as the file has them; those of an STL, which repeats them, are merged. Raises DataError."""
    import trimesh

    with refusing(path, "a triangle mesh (PLY or STL)") as path:
        mesh = trimesh.load_mesh(path, file_type=path.suffix.lower().lstrip("."), process=False)
        vertices, faces = np.asarray(mesh.vertices, float), np.asarray(mesh.faces, np.int64).reshape(-1, 3)
        if path.suffix.lower() == ".stl":
            vertices, place = np.unique(vertices, axis=0, return_inverse=True)
            faces = place.reshape(-1)[faces]
        if not len(faces) or not np.isfinite(vertices).all() or faces.min() < 0 or faces.max() >= len(vertices):
            raise DataError(message(path, "the mesh has no triangles, or impossible ones", found=f"Found {len(vertices)} vertices, {len(faces)} faces"))
    return Surface(vertices, faces)


def write_surface(path: Path | str, surface: Surface) -> Path:
    """Writes .ply (binary, exact) or .stl (binary, single precision)."""
    path = Path(path)
    if path.suffix.lower() not in (".ply", ".stl"):
        raise DataError(message(path, "the suffix is no mesh's", expected=".ply or .stl"))
    content = _ply(surface) if path.suffix.lower() == ".ply" else _stl(surface)
    with replacing(path) as temporary:
        temporary.write_bytes(content)
    return path


def _ply(surface: Surface) -> bytes:
    axes = "".join(f"property double {axis}\n" for axis in "xyz")
    header = (f"ply\nformat binary_little_endian 1.0\nelement vertex {len(surface.vertices)}\n{axes}"
              f"element face {len(surface.faces)}\nproperty list uchar int vertex_indices\nend_header\n")
    faces = np.empty(len(surface.faces), [("count", "u1"), ("rows", "<i4", 3)])
    faces["count"], faces["rows"] = 3, surface.faces
    return header.encode() + surface.vertices.astype("<f8").tobytes() + faces.tobytes()


def _stl(surface: Surface) -> bytes:
    corners = surface.vertices[surface.faces]
    normals = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    lengths = np.linalg.norm(normals, axis=1, keepdims=True)
    out = np.zeros(len(corners), [("normal", "<f4", 3), ("corners", "<f4", (3, 3)), ("rest", "<u2")])
    out["normal"], out["corners"] = normals / np.where(lengths > 0, lengths, 1), corners
    return b"osteon".ljust(80) + np.uint32(len(out)).astype("<u4").tobytes() + out.tobytes()
