"""Pictures of noise with one bright square each, for detectors."""

from __future__ import annotations

import torch


def scenes(count: int, *, side: int = 96, box: int = 24) -> tuple[torch.Tensor, list[tuple[torch.Tensor, torch.Tensor]]]:
    """Noise with a bright square, off the diagonal so that rows and columns can not be exchanged; the last has none."""
    generator = torch.Generator().manual_seed(1)
    images, objects = 0.1 * torch.randn(count, 3, side, side + 32, generator=generator), []
    for k, image in enumerate(images):
        row, col = (k * 17) % (side - box), 60 + (k * 11) % (side + 32 - box - 60)
        there = k < count - 1
        if there:
            image[:, row:row + box, col:col + box] += 2.0
        boxes = torch.tensor([[row, col, row + box, col + box]], dtype=torch.float32)[: int(there)]
        objects.append((boxes, torch.zeros(len(boxes), dtype=torch.long)))
    return images, objects
