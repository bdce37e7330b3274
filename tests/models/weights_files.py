"""Real files of PyTorch and of the safetensors package, for weights_file_test.cpp.

make FOLDER          writes state dicts in every format, and files that hold more than tensors
check FOLDER         compares what Reprise wrote with what it was made from
foreign FOLDER KEYS  writes files with the keys of torchvision's networks (lists in KEYS) and toy values
inception FOLDER KEYS  writes inception.pth, random
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


def official(keys, name, with_counters=True):
    """Tensors under a list's keys, the n-th filled with n / 1000; classifiers are stubs."""
    tensors = collections.OrderedDict()
    lines = [line for line in (keys / f"{name}.txt").read_text().splitlines() if line[0] != "#"]
    for number, line in enumerate(lines):
        key, dtype, shape = line.split(" ")
        if key.endswith("num_batches_tracked"):
            if with_counters:
                tensors[key] = torch.tensor(number)
        elif key.startswith(("classifier.", "fc.", "AuxLogits.")):
            tensors[key] = torch.zeros(2)
        else:
            tensors[key] = torch.full([int(size) for size in shape.split("x")], number / 1000)
    return tensors


def foreign(folder, keys):
    # As they are handed out: the older two were written before PyTorch 1.6, without batch counters.
    old = {"_use_new_zipfile_serialization": False}
    torch.save(official(keys, "vgg19"), folder / "vgg19.pth", **old)
    torch.save(official(keys, "resnet34", with_counters=False), folder / "resnet34.pth", **old)
    torch.save(official(keys, "inception_v3"), folder / "inception.pth")
    small = {"features.0.weight": torch.zeros(64, 3, 3, 3), "features.0.bias": torch.zeros(1)}
    torch.save({**small, "head.weight": torch.zeros(1)}, folder / "unfit.pth")
    torch.save({"features.0.weight": torch.zeros(64, 3, 3, 3), "epoch": 90}, folder / "more.pth")


def inception(folder, keys):
    """Random weights of sensible size: features are finite, and differ from image to image."""
    torch.manual_seed(1)
    tensors = official(keys, "inception_v3")
    for key, value in tensors.items():
        if value.dim() == 4:
            tensors[key] = torch.randn_like(value) * (2 / value[0].numel()) ** 0.5
        elif key.endswith(("bn.weight", "running_var")):
            tensors[key] = torch.ones_like(value)
        elif key.endswith(("bn.bias", "running_mean")):
            tensors[key] = torch.zeros_like(value)
    torch.save(tensors, folder / "inception.pth")


what, *folders = sys.argv[1:]
{"make": make, "check": check, "foreign": foreign, "inception": inception}[what](*map(pathlib.Path, folders))
