"""The core of the MRI simulators: distances on a grid, partial volume, contrast, k-space, coils."""

from __future__ import annotations

import numpy as np
import pytest

from osteon.errors import DataError
from osteon.simulate import mri, mri_acquire, mri_coils, mri_paint
from osteon.simulate.frustum import Placed
from osteon.simulate.mri import PROTOCOLS, TISSUES, Weighting, signal
from osteon.simulate.mri_paint import Layer
from osteon.simulate.sdf import cone, cut, ellipsoid, join, rotation, solid, sphere
from osteon.simulate.voxels import Lattice, distance, shares

AXIAL = np.array([[0.0, 0, 1], [0, 1, 0], [1, 0, 0]])


def grid(n: int, step: float, *, thick: float = 1.0, slices: int = 1) -> Lattice:
    return Lattice((slices, n, n), (thick, step, step), np.array([-0.5 * n * step, -0.5 * n * step, 0.0]), AXIAL)


def test_a_ball_has_its_distance_within_reach_and_the_sign_beyond() -> None:
    lattice = grid(120, 0.5)
    near = distance(lattice, Placed(solid([join(sphere((0, 0, 0), 20.0))]), np.eye(3), np.zeros(3)), reach=4.0, inside=3.0)
    assert near is not None
    whole = np.full((120, 120), 4.0)
    whole[near.window[1:]] = near.mm[0]
    r = np.hypot(*(lattice.along(axis, np.zeros(3))[0] for axis in np.eye(3)[:2]))
    assert np.abs(whole - np.clip(r - 20.0, -3.0, 4.0)).max() < 1e-3


def test_a_blended_turned_solid_is_what_every_primitive_gives_when_nothing_is_left_out() -> None:
    """A fine grid (whose squares are culled) against single points (whose squares are not)."""
    steps = [join(ellipsoid((0, 0, 0), (18, 9, 12), rotation(20, 30, 0))), join(cone((5, 0, 0), (30, 12, 4), 6, 3), 6), cut(ellipsoid((-6, 2, 4), (5, 7, 6)), 3)]
    placed = Placed(solid(steps), rotation(10, 0, 25) @ np.diag([-1.0, 1, 1]), np.array([2.0, -3.0, 1.0]))
    lattice = grid(160, 0.5)
    near = distance(lattice, placed, reach=3.0)
    assert near is not None
    rng = np.random.default_rng(4)
    for row, col in zip(rng.integers(near.window[1].start, near.window[1].stop, 60), rng.integers(near.window[2].start, near.window[2].stop, 60), strict=True):
        spot = Lattice((1, 1, 1), (1.0, 0.5, 0.5), lattice.first + row * 0.5 * AXIAL[1] + col * 0.5 * AXIAL[2], AXIAL)
        alone = distance(spot, placed, reach=3.0)
        wanted = 3.0 if alone is None else float(alone.mm[0, 0, 0])
        assert near.mm[0, row - near.window[1].start, col - near.window[2].start] == pytest.approx(wanted, abs=0.05)


def test_a_solid_beside_the_plane_gives_nothing() -> None:
    placed = Placed(solid([join(sphere((0, 0, 30), 20.0))]), np.eye(3), np.zeros(3))
    assert distance(grid(60, 1.0), placed, reach=4.0) is None
    assert distance(grid(60, 1.0), placed, reach=12.0) is not None


def test_shares_add_up_to_the_area_and_a_slanted_face_is_shared_by_the_slice() -> None:
    lattice = grid(200, 0.25)
    near = distance(lattice, Placed(solid([join(sphere((0, 0, 0), 15.0))]), np.eye(3), np.zeros(3)), reach=2.0)
    assert near is not None
    cover = shares(near.mm, 0.25, 0.25, 3.0)
    assert cover.sum() * 0.25**2 == pytest.approx(np.pi * 15.0**2, rel=0.004)
    sharp = ((cover > 0.01) & (cover < 0.99)).sum()
    away = grid(200, 0.25)
    away = Lattice(away.shape, away.step, away.first + (0, 0, 12.0), away.axes)  # the ball is cut where it curves away from the slice
    slanted = distance(away, Placed(solid([join(sphere((0, 0, 0), 15.0))]), np.eye(3), np.zeros(3)), reach=2.0)
    assert slanted is not None
    share = shares(slanted.mm, 0.25, 0.25, 3.0)
    assert ((share > 0.01) & (share < 0.99)).sum() > 4 * sharp
    within = np.mean([np.pi * (15.0**2 - z**2) for z in np.linspace(10.5, 13.5, 31)])
    assert share.sum() * 0.25**2 == pytest.approx(within, rel=0.06), "the mean section over the thickness of the slice"


def test_contrasts_are_ordered_as_on_the_ward() -> None:
    def level(tissue: str, weighting: Weighting) -> float:
        return sum(signal(TISSUES[tissue], weighting))

    pd, fs, t1, t2 = (PROTOCOLS[name] for name in ("PD", "PDFS", "T1", "T2"))
    assert level("fat", pd) > level("muscle", pd) > level("meniscus", pd) > level("cortex", pd)
    assert level("fluid", fs) > level("cartilage", fs) > level("muscle", fs) > level("fat", fs) > level("meniscus", fs) > level("tendon", fs)
    assert level("oedema", fs) > 2 * level("marrow", fs), "oedema lights up where fat is suppressed"
    assert level("fat", t1) > level("marrow", t1) > level("muscle", t1) > level("fluid", t1)
    assert level("fluid", t2) > level("fat", t2) > level("muscle", t2)
    assert level("mucoid", fs) > 3 * level("meniscus", fs) and level("cleft", fs) > level("mucoid", fs)


def test_the_spin_echo_signal_is_the_formula_and_changes_with_the_field() -> None:
    home = PROTOCOLS["PD"]
    # (1 - exp(-2800/1420)) exp(-28/32), computed by hand
    assert mri.relaxed(1420.0, 32.0, home) == pytest.approx((1 - 0.139214) * 0.416862, rel=1e-4)
    other = home.at(1.5)
    assert other.fat_shift == pytest.approx(home.fat_shift / 2 / 0.62) and home.at(3.0) == home
    assert home.fat_shift == pytest.approx(3.4 * 42.577 * 3 / 220)
    assert signal(TISSUES["cartilage"], other) != signal(TISSUES["cartilage"], home)


def test_collagen_is_brightest_at_the_magic_angle() -> None:
    bright = [signal(mri.at_angle(TISSUES["tendon"], degrees), PROTOCOLS["PD"])[0] for degrees in (0.0, 30.0, 54.7356, 80.0)]
    assert int(np.argmax(bright)) == 2 and bright[2] > 5 * bright[0]
    assert mri.at_angle(TISSUES["tendon"], 0.0) == TISSUES["tendon"]


@pytest.mark.parametrize("wrong", [{"tesla": 7.0}, {"te": 3000.0}, {"tr": -1.0}, {"escape": 1.2}, {"bandwidth": 0.0}])
def test_an_impossible_protocol_is_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(DataError):
        Weighting(**({"name": "x", "tr": 2000.0, "te": 30.0} | wrong))  # type: ignore[arg-type]


def test_paint_mixes_water_and_fat_by_their_shares_and_labels_take_the_topmost() -> None:
    window = (slice(1, 3), slice(0, 4))
    half = np.full((2, 4), 0.5, np.float32)
    layers = [Layer("fat", "fat", (slice(0, 4), slice(0, 4)), np.ones((4, 4), np.float32)), Layer("cartilage", "cartilage", window, half), Layer("hole", "air", (slice(2, 3), slice(2, 3)), np.ones((1, 1), np.float32))]
    plain = {name: mri.Tissue(t.density, t.fat, t.t1, t.t2) for name, t in TISSUES.items()}
    water, fat = mri_paint.paint(layers, (4, 4), PROTOCOLS["PD"], mri_paint.Textures({}), plain)
    (wf, ff), (wc, _) = (signal(TISSUES[name], PROTOCOLS["PD"]) for name in ("fat", "cartilage"))
    assert fat[0, 0] == pytest.approx(ff) and fat[1, 0] == pytest.approx(0.5 * ff) and water[1, 0] == pytest.approx(0.5 * (wf + wc))
    assert water[2, 2] == fat[2, 2] == 0
    assert mri_paint.labelled(layers, (4, 4), ("cartilage", "fat")).tolist() == [[2, 2, 2, 2], [1, 1, 1, 1], [1, 1, 0, 1], [2, 2, 2, 2]]


def test_textures_repeat_without_a_seam() -> None:
    tile = mri_paint.textures(0.5, np.random.default_rng(0), side=96).fields["trabeculae"]
    inside = np.abs(np.diff(tile, axis=0)).mean()
    assert np.abs(tile[0] - tile[-1]).mean() < 1.3 * inside
    assert tile.std() == pytest.approx(1.0, rel=1e-3)


@pytest.mark.parametrize("shape", [(12, 10), (14, 8), (16, 18), (10, 6)])
def test_encode_is_the_centred_transform_and_decode_its_inverse(shape: tuple[int, int]) -> None:
    rng = np.random.default_rng(1)
    picture = rng.normal(size=(3, *shape)) + 1j * rng.normal(size=(3, *shape))
    axes = (-2, -1)
    plain = np.fft.fftshift(np.fft.fft2(np.fft.ifftshift(picture, axes=axes), norm="ortho"), axes=axes)
    assert np.abs(mri_acquire.encode(picture, shape) - plain).max() < 1e-5
    assert np.abs(mri_acquire.decode(plain) - picture).max() < 1e-5


def test_a_finer_picture_keeps_its_values_and_place_and_rings_at_edges() -> None:
    fine = np.zeros((128, 96), np.complex64)
    fine[32:80, 24:64] = 1.0
    coarse = np.real(mri_acquire.decode(mri_acquire.encode(fine, (64, 48))))
    assert coarse[24:32, 18:26].mean() == pytest.approx(1.0, abs=0.01), "values stay"
    assert coarse[14, 22] < 0.15 and coarse[17, 22] > 0.85, "the edge stands where it stood, between rows 15 and 16"
    assert coarse.max() > 1.04, "Gibbs"
    part = mri_acquire.encode(fine[16:112], (64, 48), rows=128)
    assert np.abs(part - mri_acquire.encode(fine, (64, 48))).max() < 1e-5


def test_motion_of_one_shot_is_the_shift_theorem_and_shots_ghost() -> None:
    rng = np.random.default_rng(3)
    smooth = np.zeros((32, 32), np.complex64)
    smooth[10:20, 12:22] = rng.normal(size=(10, 10))
    kspace = mri_acquire.encode(smooth, (32, 32))
    moved = mri_acquire.decode(mri_acquire.shaken(kspace, mri_acquire.Motion(((2.0, -3.0),), (0.0,)), (1.0, 1.0)))
    assert np.abs(moved - np.roll(smooth, (2, -3), axis=(0, 1))).max() < 1e-5
    two = mri_acquire.decode(mri_acquire.shaken(kspace, mri_acquire.Motion(((0.0, 0.0), (0.0, 0.0)), (0.0, 1.0)), (1.0, 1.0)))
    ghost = np.roll(smooth, 16, axis=1)
    assert np.abs(two[np.abs(ghost) > 0]).mean() > 0.2, "phase that changes from line to line throws a ghost half a field away"
    assert mri_acquire.shaken(kspace, mri_acquire.Motion(), (1.0, 1.0)) is kspace


def test_fat_is_displaced_by_parts_of_a_point() -> None:
    water, fat = np.zeros((8, 3), np.float32), np.zeros((8, 3), np.float32)
    water[2], fat[2] = 1.0, 1.0
    out = mri_acquire.mixed(water, fat, 1.25)
    assert out[:, 0].tolist() == [0, 0, 1, 0.75, 0.25, 0, 0, 0]


def test_noise_has_its_size_and_magnitudes_are_rician() -> None:
    noise = mri_acquire.noise((200, 200), 2.0, np.random.default_rng(0))
    assert noise.real.std() == pytest.approx(2.0, rel=0.02) and noise.imag.std() == pytest.approx(2.0, rel=0.02)
    assert np.abs(noise).mean() == pytest.approx(2.0 * np.sqrt(np.pi / 2), rel=0.02), "Rayleigh where there is no signal"


def test_the_field_of_a_loop_is_that_of_the_textbook_on_its_axis() -> None:
    """B = radius**2 / (2 (radius**2 + x**2)**1.5) in units of mu0 I, Jackson 5.5; here along x, so that the phase is zero."""
    array = mri_coils.Array(np.zeros((1, 3)), np.array([[1.0, 0, 0]]), 50.0)
    x = np.array([0.0, 20.0, 60.0, 120.0])
    found = mri_coils.sensitivities(array, np.column_stack([x, np.zeros((4, 2))]))[0]
    wanted = 50.0**2 / (50.0**2 + x**2) ** 1.5
    assert np.abs(found) / np.abs(found[0]) == pytest.approx(wanted / wanted[0], rel=1e-3)
    assert np.abs(found.imag / np.abs(found)).max() < 1e-6


def test_each_coil_sees_its_side_and_neighbours_share_noise() -> None:
    array = mri_coils.knee_array(8, np.zeros(3), np.random.default_rng(2))
    lattice = Lattice((1, 80, 80), (3.0, 2.0, 2.0), np.array([-80.0, -80.0, 0.0]), AXIAL)
    points, shape, every = mri_coils.knots(lattice)
    fields = mri_coils.sensitivities(array, points).reshape(-1, *shape)
    seen = np.abs(mri_coils.seen(np.ones((80, 80), np.complex64), fields, every))
    for coil, centre in zip(seen, array.centres, strict=True):
        row, col = np.unravel_index(coil.argmax(), coil.shape)
        brightest = lattice.first + row * 2.0 * AXIAL[1] + col * 2.0 * AXIAL[2]
        assert brightest[:2] @ centre[:2] > 0.8 * np.linalg.norm(brightest[:2]) * np.linalg.norm(centre[:2])
    factor = mri_coils.mixing(fields)
    covariance = factor @ factor.conj().T
    assert np.abs(np.diag(covariance) - 1).max() < 1e-5
    near = np.abs(covariance[0, 1:])
    assert near.max() > 0.05 and near.max() <= mri_coils.SHARED


def test_seen_is_the_product_at_the_knots() -> None:
    rng = np.random.default_rng(5)
    coils = (rng.normal(size=(2, 3, 3)) + 1j * rng.normal(size=(2, 3, 3))).astype(np.complex64)
    picture = np.full((9, 9), 2.0 - 1.0j, np.complex64)
    out = mri_coils.seen(picture, coils, (4.0, 4.0))
    assert np.abs(out[:, ::4, ::4] - coils * (2 - 1j)).max() < 1e-5
    assert np.abs(out[:, 2, 4] - 0.5 * (coils[:, 0, 1] + coils[:, 1, 1]) * (2 - 1j)).max() < 1e-5
