"""Real files of PyTorch and of the safetensors package, for weights_file_test.cpp.

make FOLDER          writes state dicts in every format, and files that hold more than tensors
check FOLDER         compares what Reprise wrote with what it was made from
"""

import collections
import pathlib
import sys

import safetensors.torch
import torch


class Payload:
    """Its pickle runs a command when it is loaded."""

    def __reduce__(self):
        return (print, ("the payload ran",))


def state():
    torch.manual_seed(7)
    base = torch.randn(6, 4)
    return collections.OrderedDict(
        [
            ("conv.weight", torch.randn(3, 2, 3, 3)),
            ("conv.bias", torch.nn.Parameter(torch.randn(3))),
            ("transposed", base.t()),
            ("slice", base[2:4, 1:3]),
            ("half", torch.randn(5).half()),
            ("bfloat16", torch.randn(5).bfloat16()),
            ("double", torch.randn(2, 2, dtype=torch.float64)),
            ("count", torch.tensor(12345678901234)),
            ("int32", torch.arange(4, dtype=torch.int32)),
            ("bytes", torch.arange(7, dtype=torch.uint8)),
            ("flags", torch.tensor([True, False, True])),
            ("empty", torch.zeros(0, 3)),
        ]
    )


def contiguous(tensors):
    return {key: value.detach().contiguous() for key, value in tensors.items()}


def make(folder):
    tensors = state()
    torch.save(tensors, folder / "zip.pt")
    torch.save(tensors, folder / "legacy.pt", _use_new_zipfile_serialization=False)
    torch.save(dict(tensors), folder / "plain-dict.pt", pickle_protocol=4)
    torch.save({"params": tensors}, folder / "nested.pth")
    safetensors.torch.save_file(contiguous(tensors), folder / "expected.safetensors", {"by": "test"})
    module = torch.nn.Sequential(torch.nn.Conv2d(1, 2, 3), torch.nn.BatchNorm2d(2))
    torch.save(module.state_dict(), folder / "module.pt")
    for name, value in {
        "number": {"weight": torch.zeros(1), "epoch": 3},
        "list": [torch.zeros(1)],
        "tensor": torch.zeros(1),
        "payload": {"weight": Payload()},
        "module": torch.nn.Linear(1, 1),
        "optimizer": {"model": {"w": torch.zeros(1)}, "optimizer": {"lr": 0.1}},
    }.items():
        torch.save(value, folder / f"refused-{name}.pt")
        torch.save(value, folder / f"refused-{name}-legacy.pt", _use_new_zipfile_serialization=False)


def check(folder):
    expected = contiguous(state())
    for name, found in {
        "safetensors package": safetensors.torch.load_file(folder / "written.safetensors"),
    }.items():
        assert found.keys() == expected.keys(), name
        for key, value in expected.items():
            assert found[key].dtype == value.dtype and torch.equal(found[key], value), (name, key)
    with safetensors.safe_open(folder / "written.safetensors", "pt") as file:
        assert file.metadata() == {"by": "Reprise"}, file.metadata()


{"make": make, "check": check}[sys.argv[1]](pathlib.Path(sys.argv[2]))
