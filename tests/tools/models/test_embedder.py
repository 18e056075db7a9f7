import numpy as np
import pytest
from numpy.typing import NDArray

from shared.config import Settings
from shared.vision import weights
from shared.vision.session import Session
from tests.tools.models.dlib_networks import MEAN, RandomNetwork
from tools.models import dlib_resnet, embedder
from tools.models.conversion import convert
from tools.models.dlib_format import DlibFormatError

# What dlib 20.0.1 says of the chip of `striped_chip`.
DLIB_VECTOR = [
    -0.0608662, 0.1631320, 0.0434845, -0.0202120, -0.0688933, -0.0398704, -0.0629876, -0.0044824,
    0.1170680, -0.0270096, 0.2613262, -0.0627745, -0.2478365, -0.0381134, -0.0198941, 0.0890530,
    -0.1650823, -0.0578642, -0.1514013, -0.1033412, 0.0591063, -0.0315500, -0.0148340, 0.0576442,
    -0.1118535, -0.2825171, -0.0413568, -0.1101714, 0.0996587, -0.2048238, 0.0147218, 0.0343660,
    -0.1270778, -0.0832373, -0.0191413, 0.0397743, 0.0235171, -0.0779455, 0.1295506, -0.0874818,
    -0.1530069, -0.0327269, 0.0119694, 0.3034677, 0.1534041, 0.0708724, 0.0349359, -0.0613798,
    0.0368070, -0.2453423, 0.0021952, 0.1485582, 0.0304350, 0.1121525, 0.0639767, -0.1889733,
    -0.0013497, 0.0989995, -0.1492829, 0.0364816, 0.0066056, -0.0736740, -0.0151634, -0.1627009,
    0.2618907, 0.0847816, -0.1270494, -0.1507319, 0.1278588, -0.1553349, -0.0430335, 0.1324600,
    -0.0753569, -0.1423644, -0.2437592, 0.0325811, 0.3378066, 0.1676646, -0.1638044, 0.0133869,
    -0.1476201, -0.0793864, -0.0147062, 0.0616447, -0.0405346, 0.0407414, -0.0738005, 0.0791138,
    0.1934329, -0.0709800, 0.0140691, 0.1874296, -0.0220492, -0.0343943, -0.0353930, 0.0359094,
    -0.1445884, 0.0435906, -0.0633746, -0.0033491, 0.1222067, -0.0987657, 0.0052287, 0.0779887,
    -0.1755555, 0.1325293, 0.0032273, -0.0005270, 0.0201732, 0.0032127, -0.0499709, -0.0251611,
    0.2524222, -0.2979496, 0.2305696, 0.2359078, 0.0961746, 0.1090758, 0.0327353, 0.0853969,
    0.0066952, -0.0607020, -0.1484445, -0.0533545, 0.0085536, -0.0675745, -0.0182458, 0.0025784,
]  # fmt: skip


@pytest.fixture(scope="module")
def network() -> RandomNetwork:
    return RandomNetwork(seed=5)


@pytest.fixture(scope="module")
def file(network: RandomNetwork) -> bytes:
    return network.file()


def striped_chip() -> NDArray[np.float32]:
    channel, row, column = np.indices((3, 150, 150))
    stripes = (3 * row + 5 * column + 40 * channel) % 256
    return np.asarray(stripes[np.newaxis], np.float32)


def test_reads_the_numbers_of_every_layer(network: RandomNetwork, file: bytes) -> None:
    read = dlib_resnet.read(file)

    assert read.mean.tolist() == list(MEAN)
    convolutions = [each for each in read.layers if isinstance(each, dlib_resnet.Convolution)]
    affines = [each for each in read.layers if isinstance(each, dlib_resnet.Affine)]
    assert len(convolutions) == len(affines) == 29
    for convolution, affine, stage in zip(convolutions, affines, network.stages, strict=True):
        np.testing.assert_array_equal(convolution.filters, stage.filters)
        np.testing.assert_array_equal(convolution.biases, stage.biases)
        np.testing.assert_array_equal(affine.gamma, stage.gamma)
        np.testing.assert_array_equal(affine.beta, stage.beta)
        assert (convolution.stride, convolution.padding) == (stage.stride, stage.padding)
    linear = read.layers[-1]
    assert isinstance(linear, dlib_resnet.Linear)
    np.testing.assert_array_equal(linear.weights, network.projection)


def test_the_graph_computes_what_dlibs_layers_mean(network: RandomNetwork, file: bytes) -> None:
    model = embedder.build(dlib_resnet.read(file))
    chips = np.random.default_rng(1).integers(0, 256, (2, 3, 150, 150)).astype(np.float32)

    session = Session(model.SerializeToString(), provider="cpu", threads=0)
    (vectors,) = session.run(["vectors"], {"chips": chips})

    expected = np.array([network.run(chip.astype(np.float64)) for chip in chips])
    assert np.abs(expected).max() > 0.1
    np.testing.assert_allclose(vectors, expected, atol=1e-5 * np.abs(expected).max())


def test_the_prepared_network_agrees_with_dlib() -> None:
    data = weights.load("dlib-resnet-fp32", Settings.from_environment().models_dir)

    session = Session(data, provider="cpu", threads=0)
    (vectors,) = session.run(["vectors"], {"chips": striped_chip()})

    np.testing.assert_allclose(vectors, [DLIB_VECTOR], rtol=0, atol=1e-6)


@pytest.mark.parametrize("name", ["dlib-resnet-fp32", "dlib-resnet-int8"])
def test_the_same_file_becomes_the_same_bytes(name: str, file: bytes) -> None:
    assert convert(name, file) == convert(name, file)


@pytest.mark.parametrize("share", [0.0, 0.0001, 0.01, 0.5, 0.9999999])
def test_refuses_a_file_that_ends_early(share: float, file: bytes) -> None:
    with pytest.raises(DlibFormatError, match="ends early"):
        dlib_resnet.read(file[: int(share * len(file))])


def test_refuses_a_file_that_goes_on(file: bytes) -> None:
    with pytest.raises(DlibFormatError, match="3 bytes are left over"):
        dlib_resnet.read(file + b"\x01\x00\x31")


def test_refuses_a_network_with_other_layers(file: bytes) -> None:
    with pytest.raises(DlibFormatError, match="no layer 'prelu_'"):
        dlib_resnet.read(file.replace(b"\x01\x07affine_", b"\x01\x06prelu_", 1))


def test_refuses_a_file_of_another_kind() -> None:
    with pytest.raises(DlibFormatError, match="expected dlib's loss_metric_2, found 'loss_mmod_'"):
        dlib_resnet.read(b"\x01\x01\x01\x0aloss_mmod_" + bytes(99))
