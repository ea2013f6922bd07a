"""Boxes in COCO format: one JSON file for many images."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from osteon.errors import DataError, message
from osteon.readers.files import refusing, replacing
from osteon.value import Grid, Objects


def read_coco(path: Path | str) -> dict[str, Objects]:
    """File name -> boxes of the image, none for an image without annotations.

    COCO counts x, y from the outer corner of the first pixel, osteon from its centre: half a pixel is taken off. Raises
    DataError naming the annotation that has no image, no category or no proper box.
    """
    with refusing(path, "COCO annotations (JSON)") as path, open(path, encoding="utf-8-sig") as file:
        content = json.load(file)
        if not isinstance(content, dict) or not {"images", "annotations", "categories"} <= set(content):
            raise DataError(message(path, "the lists of COCO are missing", expected="images, annotations and categories at the top"))
        images = {image["id"]: image for image in content["images"]}
        names = {category["id"]: str(category["name"]) for category in content["categories"]}
        found: dict[Any, list[tuple[list[float], str, float]]] = {key: [] for key in images}
        for annotation in content["annotations"]:
            _check(path, annotation, images, names)
            x, y, width, height = map(float, annotation["bbox"])
            box = [y - 0.5, x - 0.5, y + height - 0.5, x + width - 0.5]
            found[annotation["image_id"]].append((box, names[annotation["category_id"]], float(annotation.get("score", 1))))
        twice = len(images) - len({image["file_name"] for image in images.values()})
        if twice:
            raise DataError(message(path, f"{twice} file names come twice in the list of images", do="Give every image its own entry"))
        return {str(images[key]["file_name"]): _objects(rows, images[key]) for key, rows in found.items()}


def write_coco(path: Path | str, objects: Mapping[str, Objects]) -> Path:
    """Writes file name -> boxes with a grid of (rows, cols) as COCO; scores are kept."""
    labels = sorted({label for value in objects.values() for label in value.labels})
    ids = {label: number for number, label in enumerate(labels, 1)}
    images: list[dict[str, Any]] = []
    annotations: list[dict[str, Any]] = []
    for number, (name, value) in enumerate(objects.items(), 1):
        if value.grid is None or len(value.grid.shape) != 2:
            raise DataError(message(name, "COCO needs the size of a flat image", expected="objects with a grid of (rows, cols)"))
        images.append({"id": number, "file_name": name, "height": value.grid.shape[0], "width": value.grid.shape[1]})
        for (top, left, bottom, right), label, score in zip(value.boxes.tolist(), value.labels, value.scores.tolist(), strict=True):
            box = [left + 0.5, top + 0.5, right - left, bottom - top]
            annotations.append({"id": len(annotations) + 1, "image_id": number, "category_id": ids[label], "bbox": box, "area": box[2] * box[3],
                                "iscrowd": 0, "score": score})
    content = {"images": images, "annotations": annotations, "categories": [{"id": n, "name": label} for label, n in ids.items()]}
    with replacing(path) as temporary:
        temporary.write_text(json.dumps(content))
    return Path(path)


def _check(path: Path, annotation: dict[str, Any], images: dict[Any, Any], names: dict[Any, str]) -> None:
    """Raises DataError for an annotation that can not be placed."""
    where = f"{path}, annotation {annotation.get('id')}"
    if annotation.get("image_id") not in images:
        raise DataError(message(where, f"there is no image {annotation.get('image_id')!r}", expected="the id of an entry of images"))
    if annotation.get("category_id") not in names:
        raise DataError(message(where, f"there is no category {annotation.get('category_id')!r}", expected=f"one of {sorted(names)}"))
    box, image = annotation.get("bbox"), images[annotation["image_id"]]
    if not (isinstance(box, list) and len(box) == 4 and np.isfinite(np.asarray(box, float)).all() and min(box[2:]) > 0):
        raise DataError(message(where, "the box is impossible", expected="x, y, width, height in pixels, width and height above 0", found=f"Found {box}"))
    if box[0] >= image["width"] or box[1] >= image["height"] or box[0] + box[2] <= 0 or box[1] + box[3] <= 0:
        raise DataError(message(where, "the box lies outside its image", expected=f"within {image['width']} x {image['height']}", found=f"Found {box}",
                                do="Check that boxes and images have the same scale"))


def _objects(rows: list[tuple[list[float], str, float]], image: dict[str, Any]) -> Objects:
    grid = Grid((int(image["height"]), int(image["width"])))
    boxes = np.array([box for box, _, _ in rows], float).reshape(-1, 4)
    return Objects(boxes, tuple(label for _, label, _ in rows), np.array([score for _, _, score in rows], float), grid)


def read_polygons(path: Path | str) -> dict[str, list[list[np.ndarray]]]:
    """File name -> for each of its annotations, in their order, the polygons (n, 2: row, col in pixel centres) of its outline; none for one that is packed or has none."""
    with refusing(path, "COCO annotations (JSON)") as path, open(path, encoding="utf-8-sig") as file:
        content = json.load(file)
    names = {image["id"]: str(image["file_name"]) for image in content["images"]}
    out: dict[str, list[list[np.ndarray]]] = {name: [] for name in names.values()}
    for annotation in content["annotations"]:
        rings = annotation.get("segmentation", [])
        out[names[annotation["image_id"]]].append([np.reshape(ring, (-1, 2))[:, ::-1].astype(float) - 0.5 for ring in rings] if isinstance(rings, list) else [])
    return out


def drawn(polygons: list[list[np.ndarray]], shape: tuple[int, ...]) -> np.ndarray:
    """Outlines (n, rows, cols): of each object the points within one of its polygons."""
    from skimage.draw import polygon

    out = np.zeros((len(polygons), *shape), bool)
    for layer, rings in zip(out, polygons, strict=True):
        for ring in rings:
            layer[polygon(ring[:, 0], ring[:, 1], shape)] = True
    return out
