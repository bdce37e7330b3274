#!/usr/bin/env python3
"""Times Reprise's networks beside the official PyTorch code, in one interleaved run.

    git clone https://github.com/GinZhu/RDST .ref/RDST
    git clone https://github.com/JingyunLiang/SwinIR .ref/SwinIR
    cmake --build build/release --target reprise-bench-network
    ~/.cache/reprise/venv/bin/python bench/side_by_side.py --reference .ref

Same weights, same inputs, same sizes. A round is one official step, then one of ours, so that what else
the machine does meets both. On a CPU the ratio is of processor seconds: on a shared machine only they say
something. On a GPU it is of wall seconds, a reading being the mean of several steps that the host does
not wait for. A ratio is to the official code in float32 on a CPU, in the same precision on a GPU.
Correctness is checked in the same run: inference by the largest error of the output relative to its
largest value, training by the relative error of all gradients of the first step. Prints a Markdown table.
"""
import argparse
import json
import os
import statistics
import struct
import subprocess
import sys
import tempfile
import time
import types
import warnings

warnings.filterwarnings("ignore")
sys.dont_write_bytecode = True
HERE = os.path.dirname(os.path.abspath(__file__))

# Official name -> our study's [network]. "-shift" is SwinIR with its window shift, which the RDST
# code never had.
NETWORKS = {
    "rdst": {"name": "rdst"},
    "rdst-e": {"name": "rdst-e"},
    "rdst-gff": {"name": "rdst", "gff": True},
    "swinir-lite": {"name": "swinir-lite"},
    "swinir": {"name": "swinir"},
    "swinir-lite-shift": {"name": "swinir-lite", "shift": True},
    "swinir-shift": {"name": "swinir", "shift": True},
    "edsr-lite": {"name": "edsr-lite"},
    "edsr": {"name": "edsr"},
    "rdn": {"name": "rdn"},
    "rcan": {"name": "rcan"},
    "han": {"name": "han"},
    "convnet-lite": {"name": "convnet-lite"},
    "convnet-large": {"name": "convnet-large"},
}


def arguments():
    ap = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ap.add_argument("--reference", required=True, help="folder with the checkouts RDST and SwinIR")
    ap.add_argument("--binary", default=os.path.join(HERE, "../build/release/bin/reprise-bench-network"))
    ap.add_argument("--networks", default=",".join(NETWORKS), help="comma-separated; default: all")
    ap.add_argument("--cases", default="infer:1,infer:145,train:4,train:32", help="mode:batch, comma-separated")
    ap.add_argument("--threads", default="1,2")
    ap.add_argument("--precisions", default="fp32,bf16", help="of ours; the official code uses autocast for bf16")
    ap.add_argument("--paths", default="fastest", help="fastest,reference,rearranged,fused")
    ap.add_argument("--compile", action="store_true", help="time torch.compile too (a minute a network)")
    ap.add_argument("--device", default="cpu", choices=["cpu", "cuda"])
    ap.add_argument("--steps", type=int, help="a reading; default: 1 on a CPU, 20 on a GPU")
    ap.add_argument("--no-graphs", action="store_true", help="time ours without CUDA graphs too")
    ap.add_argument("--rounds", type=int, default=9)
    ap.add_argument("--seconds", type=float, default=60, help="fewer rounds if a case takes longer than this")
    a = ap.parse_args()
    a.networks = a.networks.split(",")
    a.steps = a.steps or (20 if a.device == "cuda" else 1)
    for name in a.networks:
        if name not in NETWORKS:
            ap.error(f"--networks {name}: there are {', '.join(NETWORKS)}")
    for folder in ("RDST/networks", "SwinIR/models"):
        if not os.path.isdir(os.path.join(a.reference, folder)):
            ap.error(f"--reference {a.reference}: has no {folder}; clone the two repositories there (see above)")
    if not os.path.exists(a.binary):
        ap.error(f"--binary {a.binary}: no such file; build the target reprise-bench-network")
    return a


def stand_in_for_timm(torch):
    """The three helpers that the official networks take from timm."""

    class DropPath(torch.nn.Module):
        def __init__(self, rate=0.0):
            super().__init__()
            self.rate = rate

        def forward(self, x):
            if self.rate == 0 or not self.training:
                return x
            keep = torch.rand((x.shape[0],) + (1,) * (x.dim() - 1), device=x.device) >= self.rate
            return x * keep / (1 - self.rate)

    layers = types.ModuleType("timm.models.layers")
    layers.DropPath = DropPath
    layers.to_2tuple = lambda v: v if isinstance(v, tuple) else (v, v)
    layers.trunc_normal_ = torch.nn.init.trunc_normal_
    registry = types.ModuleType("timm.models.registry")
    registry.register_model = lambda f: f
    models = types.ModuleType("timm.models")
    models.layers, models.registry = layers, registry
    timm = types.ModuleType("timm")
    timm.models = models
    sys.modules.update({"timm": timm, "timm.models": models, "timm.models.layers": layers,
                        "timm.models.registry": registry})


class Options:
    """The official code's settings, as its ini file has them."""

    def __init__(self, folder, **changes):
        import configparser

        ini = configparser.ConfigParser()
        ini.read(os.path.join(folder, "config_files", "RDST_E1_OASIS_example_SRx4.ini"))
        for section in ini.values():
            for key in section:
                setattr(self, key, eval(section[key]))  # As the official parser does.
        for key, value in changes.items():
            setattr(self, key, value)


def official(name, reference, channels=1):
    """The official network. Drop path is off: ours applies none in this comparison."""
    rdst, repeat = os.path.join(reference, "RDST"), lambda value, count: [value] * count
    for folder in (rdst, os.path.join(reference, "SwinIR")):
        if folder not in sys.path:
            sys.path.insert(0, folder)
    o = lambda **kw: Options(rdst, input_channel=channels, swin_drop_path_rate=0.0, **kw)
    mean, std = [0.0] * channels, [1.0] * channels
    if name in ("edsr", "edsr-lite"):
        from networks.edsr import EDSR

        big = name == "edsr"
        return EDSR(o(edsr_act="relu" if big else "leaky_relu", edsr_n_feats=256 if big else 64,
                      edsr_res_scale=0.1 if big else 1.0, edsr_n_resblocks=32 if big else 16, edsr_bn=None), mean, std)
    if name == "rdn":
        from networks.rdn import RDN

        return RDN(o(act="leaky_relu", rdn_growth_rate=32, rdn_n_dense_layers=6, rdn_n_blocks=20, rdn_dense_scale=1.0,
                     rdn_bn=None, rdn_n_feats=64, rdn_local_res_scale=1.0, rdn_global_res_scale=1.0), mean, std)
    if name == "rcan":
        from networks.rcan import RCAN, default_conv

        return RCAN(default_conv, channels, 10, 20, 64, 16, 4, 1.0)
    if name == "han":
        from networks.han import HAN, default_conv

        return HAN(default_conv, channels, 10, 20, 128, 16, 4, 1.0)
    if name in ("convnet-lite", "convnet-large"):
        from networks.convnet import ConvNetSR

        return ConvNetSR(channels, 4, 64 if name == "convnet-lite" else 192, 16 if name == "convnet-lite" else 32, 1.0)
    if name in ("swinir", "swinir-lite"):
        from networks.swin_transformer_sr import swinir_make_model

        big = dict(sir_embed_dim=180, sir_swintr_layers=repeat(6, 6), sir_num_heads=repeat(6, 6),
                   sir_upsampler="pixelshuffledirect")
        net = swinir_make_model(o(**(big if name == "swinir" else {})))
        return without_drop_path(net)
    if name in ("swinir-shift", "swinir-lite-shift"):
        from models.network_swinir import SwinIR

        big = name == "swinir-shift"
        return SwinIR(upscale=4, img_size=24, in_chans=channels, window_size=8, img_range=1.0,
                      depths=repeat(6, 6 if big else 4), embed_dim=180 if big else 60,
                      num_heads=repeat(6, 6 if big else 4), mlp_ratio=2.0, upsampler="pixelshuffledirect",
                      drop_path_rate=0.0)
    from networks.swinIR_variations import make_RDSTSR

    count = 4 if name == "rdst-e" else 8
    more = dict(rdst_global_bottleneck=True, rdst_global_bottleneck_ratio=1.0, rdst_global_bottleneck_mode="mlp")
    return make_RDSTSR(o(rdst_dense_layer_depths=repeat(2, count), rdst_num_heads=repeat(6, count),
                         rdst_window_size=repeat(8, count), rdst_rdb_depths=repeat(3, count),
                         **(more if name == "rdst-gff" else {})), mean, std)


def without_drop_path(net):
    for module in net.modules():
        if type(module).__name__ == "DropPath":
            for key in ("rate", "drop_prob"):
                if hasattr(module, key):
                    setattr(module, key, 0.0)
    return net


def write_safetensors(path, tensors):
    header, data, at = {}, [], 0
    for key in sorted(tensors):
        value = tensors[key].detach().cpu().contiguous()
        kind = {"torch.float32": "F32", "torch.int64": "I64"}[str(value.dtype)]
        raw = value.numpy().tobytes()
        header[key] = {"dtype": kind, "shape": list(value.shape), "data_offsets": [at, at + len(raw)]}
        data.append(raw)
        at += len(raw)
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    with open(path, "wb") as out:
        out.write(struct.pack("<Q", len(text)) + text + b"".join(data))


def read_safetensors(path, torch):
    with open(path, "rb") as file:
        size = struct.unpack("<Q", file.read(8))[0]
        header, data = json.loads(file.read(size)), bytearray(file.read())
    types_ = {"F32": torch.float32, "F64": torch.float64, "I64": torch.int64}
    out = {}
    for key, item in header.items():
        if key == "__metadata__":
            continue
        begin, end = item["data_offsets"]
        flat = torch.frombuffer(data[begin:end], dtype=types_[item["dtype"]]) if end > begin else torch.zeros(0)
        out[key] = flat.reshape(item["shape"])
    return out


class Ours:
    """reprise-bench-network, a reading a line."""

    def __init__(self, a, name, mode, threads, precision, path, graphs, given):
        self.steps = a.steps
        self.folder = tempfile.TemporaryDirectory()
        source, self.result_path = (os.path.join(self.folder.name, f) for f in ("given.safetensors", "result.safetensors"))
        write_safetensors(source, given)
        environment = dict(os.environ, OMP_NUM_THREADS=str(threads))
        self.process = subprocess.Popen(
            [a.binary, "--network", json.dumps(NETWORKS[name]), "--input", source, "--output", self.result_path, "--mode", mode,
             "--threads", str(threads), "--precision", precision, "--path", path, "--device", a.device]
            + ([] if graphs else ["--no-graphs"]),
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment)

    def wait(self, torch):
        """Until it is ready: several start side by side."""
        if self.process.stdout.readline().strip() != "ready":
            raise SystemExit("reprise-bench-network failed: see above")
        self.result = read_safetensors(self.result_path, torch)

    def step(self):
        self.process.stdin.write(f"{self.steps}\n")
        self.process.stdin.flush()
        wall, cpu, megabytes = self.process.stdout.readline().split()
        self.megabytes = int(megabytes)
        return float(wall), float(cpu)

    def close(self):
        self.process.stdin.close()
        self.process.wait()


def official_step(net, mode, x, target, precision, a, torch):
    """One step of the official code and what it computes the first time."""
    amp = lambda: torch.autocast(a.device, dtype=torch.bfloat16, enabled=precision == "bf16")

    def set_precision():
        torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = precision != "fp32"

    sync = torch.cuda.synchronize if a.device == "cuda" else lambda: None
    if mode == "infer":
        net.eval()

        def run():
            with torch.no_grad(), amp():
                return net(x)
    else:
        net.train()
        without_drop_path(net)
        adam = torch.optim.Adam([p for p in net.parameters() if p.requires_grad], lr=1e-4, betas=(0.9, 0.99))

        def run():
            with amp():
                loss = torch.nn.functional.l1_loss(net(x).float(), target)
            adam.zero_grad()
            loss.backward()
            adam.step()
            return loss

    def timed():
        set_precision()
        sync()
        cpu, wall = time.process_time(), time.perf_counter()
        for _ in range(a.steps):
            run()
        sync()
        return (time.perf_counter() - wall) / a.steps, (time.process_time() - cpu) / a.steps

    return timed


def error_of(net, mode, x, target, result, torch):
    """Of our result against the official one in float32, which has not yet changed its weights."""
    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = False
    if mode == "infer":
        with torch.no_grad():
            want = net.eval()(x).cpu()
        return ((result["out"] - want).abs().max() / want.abs().max()).item()
    net.train()
    without_drop_path(net)
    net.zero_grad()
    torch.nn.functional.l1_loss(net(x), target).backward()
    above = below = 0.0
    for key, parameter in net.named_parameters():
        if parameter.grad is not None and "g." + key in result:
            want = parameter.grad.cpu().double()
            above += (result["g." + key].double() - want).pow(2).sum().item()
            below += want.pow(2).sum().item()
    net.zero_grad()
    return (above / below) ** 0.5


def row(values):
    """Median and half the distance between the quartiles, in ms."""
    values = sorted(1e3 * v for v in values)
    if len(values) < 4:
        return f"{statistics.median(values):.1f}"
    q = statistics.quantiles(values, n=4)
    return f"{statistics.median(values):.1f}±{(q[2] - q[0]) / 2:.1f}"


def measure(a, name, mode, batch, threads, torch):
    torch.set_num_threads(threads)
    torch.manual_seed(0)
    net = official(name, a.reference)
    size = (24, 24) if mode == "train" else (40, 32)
    x, target = torch.rand(batch, 1, *size), torch.rand(batch, 1, 4 * size[0], 4 * size[1])
    given = {"w." + key: value for key, value in net.state_dict().items()
             if value.dtype in (torch.float32, torch.int64)}
    given["in.x"], given["in.target"] = x, target
    net, x, target = net.to(a.device), x.to(a.device), target.to(a.device)
    runs, errors, bases, processes = {}, {}, {}, {}
    for precision in a.precisions.split(","):
        for path in a.paths.split(","):
            for graphs in (True, False) if a.no_graphs else (True,):
                label = "ours " + precision + ("" if path == "fastest" else " " + path) + ("" if graphs else " no graph")
                processes[label] = Ours(a, name, mode, threads, precision, path, graphs, given)
                bases[label] = "official " + (precision if a.device == "cuda" else "fp32")
    for label, ours in processes.items():
        ours.wait(torch)
        runs[label] = ours.step
        errors[label] = error_of(net, mode, x, target, ours.result, torch)
    for precision in a.precisions.split(","):
        if precision != "tf32" or a.device == "cuda":
            runs["official " + precision] = official_step(net, mode, x, target, precision, a, torch)
            bases["official " + precision] = "official fp32"
    first = "official " + a.precisions.split(",")[0]
    if a.compile:
        import copy

        prepared = copy.deepcopy(net)
        for module in prepared.modules():  # Else it rebuilds masks and does not compile.
            if hasattr(module, "calculate_mask") and tuple(module.input_resolution) != size:
                module.input_resolution = size
                module.attn_mask = module.calculate_mask(size) if module.shift_size > 0 else None
        try:
            precision = a.precisions.split(",")[0]
            runs["compiled " + precision] = official_step(torch.compile(prepared), mode, x, target, precision, a, torch)
            bases["compiled " + precision] = first
            runs["compiled " + precision]()
        except Exception as error:
            print(f"{name}: torch.compile failed: {str(error).splitlines()[0]}", file=sys.stderr)
            runs.pop("compiled " + precision, None)
    times = {label: [] for label in runs}
    for label, step in runs.items():
        step()
    start = time.perf_counter()
    for done in range(a.rounds):
        for label, step in runs.items():
            times[label].append(step())
        if done >= 2 and time.perf_counter() - start > a.seconds:
            break
    for process in processes.values():
        process.close()
    clock = 0 if a.device == "cuda" else 1
    for label, pairs in times.items():
        base = times[bases[label]] if bases[label] in times else times[first]
        ratios = [b[clock] / p[clock] for b, p in zip(base, pairs)]
        error = f"{errors[label]:.1e}" if label in errors else ""
        print(f"| {name} | {mode} {batch} | {threads} | {label} | {row([c for _, c in pairs])} | "
              f"{row([w for w, _ in pairs])} | {statistics.median(ratios):.2f} | {error} | {len(pairs)} |", flush=True)


def main():
    a = arguments()
    import torch

    stand_in_for_timm(torch)
    kind = "wall" if a.device == "cuda" else "CPU"
    print(f"| network | case | threads | code | CPU ms a step | wall ms | official / this, {kind} | error | rounds |")
    print("|---|---|---|---|---|---|---|---|---|")
    for name in a.networks:
        for case in a.cases.split(","):
            mode, batch = case.split(":")
            for threads in a.threads.split(","):
                measure(a, name, mode, int(batch), int(threads), torch)


if __name__ == "__main__":
    main()
