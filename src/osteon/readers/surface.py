"""Surfaces: PLY, STL and OBJ triangle meshes in millimetres."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from osteon.errors import DataError, message
from osteon.readers.files import refusing, replacing
from osteon.value import Surface

TRIANGLE = np.dtype([("count", "u1"), ("rows", "<i4", 3)])
AS_WRITTEN = {"maintain_order": True, "skip_materials": True}  # an OBJ whose vertices keep their numbers


def read_surface(path: Path | str) -> Surface:
    """A triangle mesh, vertices in mm as the file has them; those of an STL, which repeats them, are merged. Raises DataError."""
    with refusing(path, "a triangle mesh (PLY, STL or OBJ)") as path:
        vertices, faces = _own(path.read_bytes()) or _anyones(path)
        if path.suffix.lower() == ".stl":
            vertices, place = np.unique(vertices, axis=0, return_inverse=True)
            faces = place.reshape(-1)[faces]
        if not len(faces) or not np.isfinite(vertices).all() or faces.min() < 0 or faces.max() >= len(vertices):
            raise DataError(message(path, "the mesh has no triangles, or impossible ones", found=f"Found {len(vertices)} vertices, {len(faces)} faces"))
    return Surface(vertices, faces)


def _own(content: bytes) -> tuple[np.ndarray, np.ndarray] | None:
    """Vertices and faces of a PLY as `write_surface` makes it, in a tenth of the time of a reader that knows every PLY; None for any other file."""
    head, mark, rest = content[:1000].partition(b"end_header\n")
    counts = [int(line.split()[2]) for line in head.split(b"\n") if line.startswith(b"element") and line.split()[-1].isdigit()]
    if not mark or len(counts) != 2 or head + mark != _header(*counts) or len(content) != len(head + mark) + 24 * counts[0] + TRIANGLE.itemsize * counts[1]:
        return None
    body = content[len(head + mark):]
    triangles = np.frombuffer(body, TRIANGLE, offset=24 * counts[0])
    return np.frombuffer(body, "<f8", 3 * counts[0]).reshape(-1, 3).astype(float), triangles["rows"].astype(np.int64)


def _anyones(path: Path) -> tuple[np.ndarray, np.ndarray]:
    import trimesh

    mesh = trimesh.load_mesh(path, file_type=path.suffix.lower().lstrip("."), process=False, **(AS_WRITTEN if path.suffix.lower() == ".obj" else {}))
    return np.asarray(mesh.vertices, float), np.asarray(mesh.faces, np.int64).reshape(-1, 3)


def write_surface(path: Path | str, surface: Surface) -> Path:
    """Writes .ply (binary, exact) or .stl (binary, single precision)."""
    path = Path(path)
    if path.suffix.lower() not in (".ply", ".stl"):
        raise DataError(message(path, "the suffix is no mesh's", expected=".ply or .stl"))
    content = _ply(surface) if path.suffix.lower() == ".ply" else _stl(surface)
    with replacing(path) as temporary:
        temporary.write_bytes(content)
    return path


def write_surfaces(path: Path | str, surface: Surface) -> list[Path]:
    """A surface over time as a mesh for each time, `NAME_12.ply`; one without times as `NAME.ply`."""
    path = Path(path)
    if surface.times is None:
        return [write_surface(path.with_name(f"{path.name}.ply"), surface)]
    return [write_surface(path.with_name(f"{path.name}_{time:g}.ply"), Surface(vertices, surface.faces)) for time, vertices in zip(surface.times, surface.vertices, strict=True)]


def _header(vertices: int, faces: int) -> bytes:
    axes = "".join(f"property double {axis}\n" for axis in "xyz")
    return (f"ply\nformat binary_little_endian 1.0\nelement vertex {vertices}\n{axes}"
            f"element face {faces}\nproperty list uchar int vertex_indices\nend_header\n").encode()


def _ply(surface: Surface) -> bytes:
    faces = np.empty(len(surface.faces), TRIANGLE)
    faces["count"], faces["rows"] = 3, surface.faces
    return _header(len(surface.vertices), len(surface.faces)) + surface.vertices.astype("<f8").tobytes() + faces.tobytes()


def _stl(surface: Surface) -> bytes:
    corners = surface.vertices[surface.faces]
    normals = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    lengths = np.linalg.norm(normals, axis=1, keepdims=True)
    out = np.zeros(len(corners), [("normal", "<f4", 3), ("corners", "<f4", (3, 3)), ("rest", "<u2")])
    out["normal"], out["corners"] = normals / np.where(lengths > 0, lengths, 1), corners
    return b"osteon".ljust(80) + np.uint32(len(out)).astype("<u4").tobytes() + out.tobytes()
