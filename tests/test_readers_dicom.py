"""DICOM: every coding opens or is refused, numbers mean the same in every file, and nothing of the patient comes along."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pydicom
import pytest
from pydicom.dataset import Dataset, FileDataset, FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian, generate_uid

from osteon.errors import DataError
from osteon.readers import identity, read_dicom, read_image, read_series, write_radiograph

CT, CR = "1.2.840.10008.5.1.4.1.1.2", "1.2.840.10008.5.1.4.1.1.1"


def dicom(path: Path, array: np.ndarray, *, sop: str = CR, bits: int | None = None, **header: Any) -> Path:
    """A file with one grey or colour image and whatever header fields."""
    meta = FileMetaDataset()
    meta.TransferSyntaxUID, meta.MediaStorageSOPClassUID, meta.MediaStorageSOPInstanceUID = ExplicitVRLittleEndian, sop, generate_uid()
    data = FileDataset(str(path), {}, file_meta=meta, preamble=b"\0" * 128)
    data.SOPClassUID, data.SOPInstanceUID = sop, meta.MediaStorageSOPInstanceUID
    data.PatientName, data.PatientID, data.PatientBirthDate, data.StudyDate = "Doe^Jane", "MRN-4711", "19500102", "20240305"
    data.Modality, data.SeriesInstanceUID, data.StudyInstanceUID = "CR", "1.2.3.4", "1.2.3"
    frames = array.ndim == 3 and array.shape[-1] != 3
    data.Rows, data.Columns = array.shape[1:3] if frames else array.shape[:2]
    if frames:
        data.NumberOfFrames = array.shape[0]
    data.SamplesPerPixel = 3 if array.shape[-1] == 3 else 1
    if data.SamplesPerPixel == 3:
        data.PlanarConfiguration = 0
    data.PhotometricInterpretation = "RGB" if data.SamplesPerPixel == 3 else "MONOCHROME2"
    data.BitsAllocated = array.dtype.itemsize * 8
    data.BitsStored = bits or data.BitsAllocated
    data.HighBit, data.PixelRepresentation = data.BitsStored - 1, int(array.dtype.kind == "i")
    for name, content in header.items():
        setattr(data, name, content)
    data.PixelData = array.tobytes() + b"\0" * (array.nbytes % 2)
    data.save_as(path, enforce_file_format=True)
    return path


@pytest.fixture
def film() -> np.ndarray:
    return np.arange(60, dtype=np.uint16).reshape(6, 10) * 60


def sequence(**content: Any) -> list[Dataset]:
    """A sequence of one item."""
    item = Dataset()
    for name, value in content.items():
        setattr(item, name, value)
    return [item]


def conformance(folder: Path) -> Iterator[dict[str, str]]:
    with open(folder / "files.csv", newline="") as file:
        yield from csv.DictReader(file)


# ---- every coding

def test_every_conformance_file_opens_with_its_shape_or_is_refused(shared_data: Callable[[str], Path], capfd: pytest.CaptureFixture[str],
                                                                  recwarn: pytest.WarningsRecorder) -> None:
    folder = shared_data("dicom_conformance")
    refused, said = [], []
    for row in conformance(folder):
        try:
            picture = read_image(folder / row["file"])
        except DataError as error:
            refused.append(row["file"])
            said.append(str(error))
            continue
        size = row["decoded_shape"].split(" ")[0]
        shape = tuple(map(int, size.split("x"))) if size else picture.array.shape
        assert picture.array.shape == (*shape, 3) if row["photometric"] == "PALETTE COLOR" else picture.array.shape == shape, row["file"]
    assert sorted(refused) == ["bad/MR_truncated.dcm", "bad/emri_small_jpeg_2k_lossless_too_short.dcm", "bad/meta_missing_tsyntax.dcm",
                               "bad/rtplan_truncated.dcm", "good/reportsi.dcm", "good/rtplan.dcm", "good/test-SR.dcm"]
    assert all(name.rsplit("/")[-1] in text and text.endswith(".") for name, text in zip(sorted(refused), sorted(said), strict=True))
    assert capfd.readouterr() == ("", "")
    assert not recwarn.list


@pytest.mark.parametrize(("plain", "coded", "tolerance"), [
    ("good/liver.dcm", "bad/liver_rle.dcm", 0), ("good/liver.dcm", "bad/liver_deflate.dcm", 0), ("good/liver.dcm", "good/liver_j2k.dcm", 0),
    ("good/liver.dcm", "good/liver_expb.dcm", 0), ("good/liver_nonbyte_aligned.dcm", "bad/liver_nonbyte_aligned_rle.dcm", 0),
    ("good/liver_nonbyte_aligned.dcm", "bad/liver_nonbyte_aligned_deflate.dcm", 0), ("good/emri_small.dcm", "good/emri_small_RLE.dcm", 0),
    ("good/emri_small.dcm", "good/emri_small_jpeg_ls_lossless.dcm", 0), ("good/emri_small.dcm", "good/emri_small_jpeg_2k_lossless.dcm", 0),
    ("good/emri_small.dcm", "good/emri_small_big_endian.dcm", 0), ("good/OBXXXX1A.dcm", "good/OBXXXX1A_expb.dcm", 0),
    ("good/OBXXXX1A.dcm", "good/OBXXXX1A_rle.dcm", 0), ("good/US1_UNCR.dcm", "good/US1_J2KR.dcm", 0), ("good/color-pl.dcm", "good/color-px.dcm", 0),
    ("good/SC_rgb_16bit.dcm", "good/SC_rgb_expb_16bit.dcm", 0), ("good/SC_ybr_full_uncompressed.dcm", "good/SC_rgb_jpeg_dcmtk.dcm", 0),
    ("good/HTJ2KLossless_08_RGB.dcm", "good/HTJ2K_08_RGB.dcm", 60)])
def test_a_coding_changes_no_pixel(shared_data: Callable[[str], Path], plain: str, coded: str, tolerance: int) -> None:
    folder = shared_data("dicom_conformance")
    one, other = (read_dicom(folder / name).array.astype(int) for name in (plain, coded))
    assert np.abs(one - other).max() <= tolerance


def test_twelve_bit_jpeg_is_decoded_without_a_sound(shared_data: Callable[[str], Path], capfd: pytest.CaptureFixture[str]) -> None:
    folder = shared_data("dicom_conformance")
    lossy, plain = read_dicom(folder / "bad/JPEG-lossy.dcm").array, read_dicom(folder / "good/JPEG2000_UNC.dcm").array
    assert np.corrcoef(lossy.ravel(), plain.ravel())[0, 1] > 0.9
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize(("syntax", "plugin"), [("1.2.840.10008.1.2.5", "pydicom"), ("1.2.840.10008.1.2.4.80", "pyjpegls"), ("1.2.840.10008.1.2.4.90", "pylibjpeg")])
def test_what_is_compressed_here_is_read_again(tmp_path: Path, film: np.ndarray, syntax: str, plugin: str) -> None:
    big = np.tile(film, (8, 8))
    data = pydicom.dcmread(dicom(tmp_path / "a.dcm", big))
    data.compress(syntax, encoding_plugin=plugin)
    data.save_as(tmp_path / "b.dcm")
    assert (read_dicom(tmp_path / "b.dcm").array == big).all()


# ---- numbers

def test_rescale_keeps_whole_numbers_whole(tmp_path: Path, film: np.ndarray) -> None:
    whole = read_dicom(dicom(tmp_path / "a.dcm", film, RescaleSlope="1", RescaleIntercept="-1024")).array
    broken = read_dicom(dicom(tmp_path / "b.dcm", film, RescaleSlope="0.5", RescaleIntercept="-1")).array
    assert whole.dtype == np.int16
    assert (whole == film.astype(int) - 1024).all()
    assert broken.dtype == np.float32
    assert np.allclose(broken, film * 0.5 - 1)
    assert read_dicom(dicom(tmp_path / "c.dcm", film)).array.dtype == np.uint16
    with pytest.raises(DataError, match="rescale slope"):
        read_dicom(dicom(tmp_path / "d.dcm", film, RescaleSlope="0", RescaleIntercept="0"))


def test_monochrome1_is_inverted_within_its_bits(tmp_path: Path, film: np.ndarray) -> None:
    picture = read_dicom(dicom(tmp_path / "a.dcm", film, bits=12, PhotometricInterpretation="MONOCHROME1", WindowCenter="1000", WindowWidth="500"))
    assert (picture.array == 4095 - film).all()
    assert picture.array.dtype == np.uint16
    assert picture.notes["inverted"]
    assert picture.notes["window"] == (3095.0, 500.0)
    signed = np.arange(-30, 30, dtype=np.int16).reshape(6, 10)
    shifted = read_dicom(dicom(tmp_path / "b.dcm", signed, bits=12, PhotometricInterpretation="MONOCHROME1", RescaleSlope="2", RescaleIntercept="10"))
    assert (shifted.array == (-4096 + 10) + (4094 + 10) - (2 * signed.astype(int) + 10)).all()


def test_modality_table_and_overlay_bits(tmp_path: Path) -> None:
    stored = np.array([[0, 1], [2, 3]], np.uint16)
    table = sequence(LUTDescriptor=[4, 0, 16], LUTData=np.array([5, 50, 500, 5000], "<u2").tobytes(), ModalityLUTType="US")
    table[0]["LUTDescriptor"].VR = "US"
    assert read_dicom(dicom(tmp_path / "a.dcm", stored, ModalityLUTSequence=table)).array.tolist() == [[5, 50], [500, 5000]]
    film = dicom(tmp_path / "b.dcm", stored | 0x8000, bits=12)
    data = pydicom.dcmread(film)
    data.add_new(0x60000102, "US", 15)
    data.save_as(film)
    assert (read_dicom(film).array == stored).all()


def test_colour_stays_and_grey_colour_becomes_grey(tmp_path: Path, film: np.ndarray) -> None:
    colour = np.random.default_rng(0).integers(0, 255, (40, 40, 3), dtype=np.uint8)
    assert (read_dicom(dicom(tmp_path / "a.dcm", colour)).array == colour).all()
    grey = np.repeat(colour[..., :1], 3, axis=2)
    assert (read_dicom(dicom(tmp_path / "b.dcm", grey)).array == colour[..., 0]).all()


# ---- spacing

@pytest.mark.parametrize(("header", "spacing", "kind"), [
    ({}, None, "unknown"),
    ({"ImagerPixelSpacing": [0.2, 0.1]}, (0.2, 0.1), "detector"),
    ({"PixelSpacing": [0.2, 0.1]}, (0.2, 0.1), "unknown"),
    ({"PixelSpacing": [0.2, 0.1], "ImagerPixelSpacing": [0.2, 0.1]}, (0.2, 0.1), "detector"),
    ({"PixelSpacing": [0.16, 0.08], "ImagerPixelSpacing": [0.2, 0.1]}, (0.16, 0.08), "calibrated"),
    ({"PixelSpacing": [0.2, 0.1], "PixelSpacingCalibrationType": "FIDUCIAL"}, (0.2, 0.1), "calibrated"),
    ({"NominalScannedPixelSpacing": [0.2, 0.1]}, (0.2, 0.1), "detector"),
    ({"PixelSpacing": [0.5, 0.4], "Modality": "MR"}, (0.5, 0.4), "volume"),
    ({"PixelSpacing": [0, 0]}, None, "unknown"),
    ({"PixelSpacing": [0.1, 0.1], "Modality": "US"}, (0.1, 0.1), "calibrated")])
def test_the_kind_of_spacing(tmp_path: Path, film: np.ndarray, header: dict[str, Any], spacing: tuple[float, float] | None, kind: str) -> None:
    grid = read_dicom(dicom(tmp_path / "a.dcm", film, **header)).grid
    assert (grid.spacing, grid.spacing_kind) == (spacing, kind)


def test_magnification_is_noted_and_not_applied(tmp_path: Path, film: np.ndarray) -> None:
    stated = read_dicom(dicom(tmp_path / "a.dcm", film, ImagerPixelSpacing=[0.1, 0.1], EstimatedRadiographicMagnificationFactor="1.15"))
    derived = read_dicom(dicom(tmp_path / "b.dcm", film, ImagerPixelSpacing=[0.1, 0.1], DistanceSourceToDetector="1200", DistanceSourceToPatient="1000"))
    assert stated.grid.spacing == derived.grid.spacing == (0.1, 0.1)
    assert stated.notes["magnification"] == 1.15
    assert derived.notes["magnification"] == pytest.approx(1.2)


def test_ultrasound_regions_give_the_spacing(tmp_path: Path, film: np.ndarray) -> None:
    region = sequence(RegionSpatialFormat=1, PhysicalUnitsXDirection=3, PhysicalUnitsYDirection=3, PhysicalDeltaX=0.02, PhysicalDeltaY=0.01)
    grid = read_dicom(dicom(tmp_path / "a.dcm", film, Modality="US", SequenceOfUltrasoundRegions=region)).grid
    assert grid.spacing == pytest.approx((0.1, 0.2))
    assert grid.spacing_kind == "calibrated"


# ---- volumes

def slices(folder: Path, places: list[float], *, orientation: tuple[float, ...] = (1, 0, 0, 0, 1, 0), **header: Any) -> np.ndarray:
    """One CT file a place along the normal, written in a shuffled order of names; gives the volume."""
    folder.mkdir(exist_ok=True)
    volume = np.arange(len(places) * 12, dtype=np.int16).reshape(len(places), 3, 4)
    normal = np.cross(orientation[:3], orientation[3:])
    for k, place in enumerate(places):
        dicom(folder / f"{(k * 7) % 11}.dcm", volume[k], sop=CT, Modality="CT", PixelSpacing=[0.5, 0.25], ImageOrientationPatient=list(orientation),
              ImagePositionPatient=(normal * place + [1, 2, 3]).round(6).tolist(), RescaleSlope="1", RescaleIntercept="-1000", **header)
    return volume


@pytest.mark.parametrize("orientation", [(1, 0, 0, 0, 1, 0), (0, 1, 0, 0, 0, -1), (1, 0, 0, 0, 0, -1)])
def test_a_series_is_put_in_order_and_in_space(tmp_path: Path, orientation: tuple[float, ...]) -> None:
    volume = slices(tmp_path / "ct", [0, 2, 4, 6, 8], orientation=orientation)
    picture = read_series(tmp_path / "ct")
    assert (picture.array == volume - 1000).all()
    assert picture.grid.spacing == pytest.approx((2, 0.5, 0.25))
    assert picture.grid.spacing_kind == "volume"
    assert picture.grid.origin == (1, 2, 3)
    assert np.reshape(picture.grid.direction, (3, 3)) == pytest.approx(np.array([np.cross(orientation[:3], orientation[3:]), orientation[3:], orientation[:3]]))
    assert (read_image(tmp_path / "ct").array == picture.array).all()


def test_a_series_lies_where_simpleitk_puts_it(tmp_path: Path) -> None:
    import SimpleITK as sitk

    slices(tmp_path / "ct", [0, 2, 4, 6, 8], orientation=(0, 1, 0, 0, 0, -1))
    picture = read_series(tmp_path / "ct")
    reader = sitk.ImageSeriesReader()
    reader.SetFileNames(reader.GetGDCMSeriesFileNames(str(tmp_path / "ct")))
    image = reader.Execute()
    assert (sitk.GetArrayFromImage(image) == picture.array).all()
    index = np.array([2, 1, 3])  # slice, row, col
    place = picture.grid.origin + (index * picture.grid.spacing) @ np.reshape(picture.grid.direction, (3, 3))
    assert place == pytest.approx(np.array(image.TransformIndexToPhysicalPoint(index[::-1].tolist())))


@pytest.mark.parametrize(("places", "text"), [([0, 2, 4, 8, 10], "not evenly spaced: 4 mm between slices 3 and 4"), ([0, 2, 2, 4, 6], "two slices lie at one place")])
def test_an_uneven_series_is_refused(tmp_path: Path, places: list[float], text: str) -> None:
    slices(tmp_path / "ct", places)
    with pytest.raises(DataError, match=text):
        read_series(tmp_path / "ct")


def test_a_folder_of_several_series_or_of_none_is_refused(tmp_path: Path, film: np.ndarray) -> None:
    slices(tmp_path / "ct", [0, 2, 4])
    dicom(tmp_path / "ct" / "scout.dcm", film, SeriesInstanceUID="9.9")
    with pytest.raises(DataError, match="2 series"):
        read_series(tmp_path / "ct")
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataError, match="no DICOM image"):
        read_series(tmp_path / "empty")
    dicom(tmp_path / "ct" / "scout.dcm", film)
    with pytest.raises(DataError, match="1 of 4 files do not fit"):
        read_series(tmp_path / "ct")


def enhanced(path: Path, places: list[float]) -> Path:
    """A multi-frame file with functional groups."""
    frames = np.arange(len(places) * 12, dtype=np.uint16).reshape(len(places), 3, 4)
    groups = []
    for place in places:
        group = Dataset()
        group.PlanePositionSequence = sequence(ImagePositionPatient=[0, 0, place])
        group.PixelValueTransformationSequence = sequence(RescaleSlope="1", RescaleIntercept=str(int(place)))
        groups.append(group)
    shared = Dataset()
    shared.PlaneOrientationSequence = sequence(ImageOrientationPatient=[1, 0, 0, 0, 1, 0])
    shared.PixelMeasuresSequence = sequence(PixelSpacing=[0.5, 0.25], SliceThickness="3")
    return dicom(path, frames, sop="1.2.840.10008.5.1.4.1.1.2.1", Modality="CT", SharedFunctionalGroupsSequence=[shared], PerFrameFunctionalGroupsSequence=groups)


def test_frames_are_put_in_order_with_their_own_rescale(tmp_path: Path) -> None:
    picture = read_dicom(enhanced(tmp_path / "a.dcm", [6, 3, 0]))
    assert picture.grid.spacing == (3, 0.5, 0.25)
    assert picture.grid.origin == (0, 0, 0)
    assert picture.array[0, 0, 0] == 24
    assert picture.array[2, 0, 0] == 6
    film = read_dicom(enhanced(tmp_path / "b.dcm", [0, 0, 5]))
    assert film.grid.spacing is None
    assert film.notes["pixel_spacing"] == (0.5, 0.25)
    assert "one place" in film.notes["frames"]


# ---- the patient

@pytest.mark.filterwarnings("ignore:Invalid value for VR CS")
def test_notes_hold_nothing_of_the_patient(tmp_path: Path, film: np.ndarray) -> None:
    path = dicom(tmp_path / "a.dcm", film, BodyPartExamined="Doe Jane", ViewPosition="AP", Manufacturer="ACME", InstitutionName="General",
                 SeriesDescription="Doe knee", Laterality="L", BurnedInAnnotation="YES")
    notes = read_dicom(path).notes
    assert {"view_position": "AP", "laterality": "L", "manufacturer": "ACME", "burned_in": "YES"}.items() <= notes.items()
    assert not any(word in repr(notes) for word in ("Doe", "4711", "1950", "2024", "General", "1.2.3"))
    whose = identity(path)
    assert (whose["patient_id"], whose["patient_name"], whose["study_date"], whose["study_uid"]) == ("MRN-4711", "Doe^Jane", "20240305", "1.2.3")


# ---- writing

def test_a_radiograph_comes_back_and_says_that_it_is_simulated(tmp_path: Path, film: np.ndarray) -> None:
    path = write_radiograph(tmp_path / "new" / "a.dcm", film, spacing=(0.143, 0.2), simulated=True,
                            notes={"laterality": "R", "view_position": "ap standing", "magnification": 1.05})
    picture, header = read_dicom(path), pydicom.dcmread(path)
    assert (picture.array == film).all()
    assert picture.grid.spacing == (0.143, 0.2)
    assert picture.grid.spacing_kind == "detector"
    assert {"simulated": True, "laterality": "R", "view_position": "AP STANDING", "magnification": 1.05}.items() <= picture.notes.items()
    assert header.PatientName == "SIMULATED^PHANTOM"
    assert header.PatientIdentityRemoved == "YES"
    assert header.ImageType[0] == "DERIVED"
    assert header.file_meta.TransferSyntaxUID == ExplicitVRLittleEndian
    assert header.PhotometricInterpretation == "MONOCHROME2"
    assert [p.name for p in path.parent.iterdir()] == ["a.dcm"]


def test_a_calibrated_radiograph_keeps_both_spacings(tmp_path: Path, film: np.ndarray) -> None:
    path = write_radiograph(tmp_path / "a.dcm", film, spacing=(0.1, 0.1), simulated=True, notes={"spacing_kind": "calibrated", "magnification": 1.2})
    assert read_dicom(path).grid.spacing == (0.1, 0.1)
    assert read_dicom(path).grid.spacing_kind == "calibrated"
    assert pydicom.dcmread(path).ImagerPixelSpacing == pytest.approx([0.12, 0.12])


def test_the_same_content_gives_the_same_bytes(tmp_path: Path, film: np.ndarray) -> None:
    def written(name: str, array: np.ndarray) -> bytes:
        return write_radiograph(tmp_path / name, array, spacing=(0.1, 0.1), simulated=True, notes={"laterality": "L"}).read_bytes()

    one, two, other = written("a.dcm", film), written("b.dcm", film), written("c.dcm", film + 1)
    assert one == two != other
    uids = {pydicom.dcmread(tmp_path / name).SOPInstanceUID for name in ("a.dcm", "b.dcm", "c.dcm")}
    assert len(uids) == 2
    assert all(uid.is_valid for uid in uids)


def test_other_readers_open_the_radiograph(tmp_path: Path) -> None:
    import SimpleITK as sitk

    array = np.random.default_rng(0).integers(0, 65535, (31, 17), dtype=np.uint16)
    path = write_radiograph(tmp_path / "a.dcm", array, spacing=(0.3, 0.2), simulated=True)
    image = sitk.ReadImage(str(path))
    assert (sitk.GetArrayFromImage(image)[0] == array).all()
    assert image.GetSpacing()[:2] == pytest.approx((0.2, 0.3))
    small = write_radiograph(tmp_path / "b.dcm", (array % 256).astype(np.uint8), spacing=(0.3, 0.2), simulated=False)
    assert (read_dicom(small).array == array % 256).all()
    assert "simulated" not in read_dicom(small).notes


def test_what_is_no_radiograph_is_not_written(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no radiograph"):
        write_radiograph(tmp_path / "a.dcm", np.zeros((3, 3)), spacing=(1, 1), simulated=True)
    assert not list(tmp_path.iterdir())


# ---- bad files

@pytest.mark.parametrize(("content", "text"), [(b"", "empty"), (b"Dear colleague,\nthe knee is fine.\n", "no DICOM file.*text"), (b"\x89PNG\r\n\x1a\n" + b"0" * 99, "picture"),
                                               (bytes(range(256)) * 4, "unknown bytes")])
def test_other_content_named_dcm_is_told(tmp_path: Path, content: bytes, text: str) -> None:
    (tmp_path / "a.dcm").write_bytes(content)
    with pytest.raises(DataError, match=text):
        read_dicom(tmp_path / "a.dcm")


def test_missing_files_and_folders_are_told(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no such file"):
        read_dicom(tmp_path / "a.dcm")
    with pytest.raises(DataError, match="folder"):
        read_dicom(tmp_path)
    with pytest.raises(DataError, match="no such folder"):
        read_series(tmp_path / "nothing")


def test_a_truncated_film_is_refused(tmp_path: Path, film: np.ndarray) -> None:
    whole = dicom(tmp_path / "a.dcm", film).read_bytes()
    for share in (0.2, 0.5, 0.8, 0.99):
        (tmp_path / "b.dcm").write_bytes(whole[: int(len(whole) * share)])
        with pytest.raises(DataError):
            read_dicom(tmp_path / "b.dcm")
