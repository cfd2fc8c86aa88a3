"""Operators of PyTorch in groups: each a module of many outputs, and its arguments.

One export serves a whole group, which is what such a test spends its time on.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import nn
from torch.nn import functional as F


class Many(nn.Module):
    """Modules and functions of the same arguments, by name."""

    def __init__(self, **parts: Callable[..., Any]) -> None:
        super().__init__()
        self.functions = {}
        for name, part in parts.items():
            if isinstance(part, nn.Module):
                self.add_module(name, part)
            else:
                self.functions[name] = part

    def forward(self, *args: Any) -> dict[str, Any]:
        out = {name: part(*args) for name, part in self.named_children()}
        out |= {name: part(*args) for name, part in self.functions.items()}
        return {k: v[0] if isinstance(v, tuple) else v for k, v in out.items()}


def normal(*shape: int) -> torch.Tensor:
    return torch.randn(*shape, dtype=torch.float64)


def positive(*shape: int) -> torch.Tensor:
    return torch.rand(*shape, dtype=torch.float64) * 0.8 + 0.1


def activations() -> tuple[nn.Module, tuple[Any, ...]]:
    return Many(
        relu=nn.ReLU(),
        leaky=nn.LeakyReLU(0.1),
        elu=nn.ELU(0.7),
        selu=nn.SELU(),
        celu=nn.CELU(0.6),
        gelu=nn.GELU(),
        gelu_tanh=nn.GELU("tanh"),
        silu=nn.SiLU(),
        mish=nn.Mish(),
        softplus=nn.Softplus(),
        softplus_2=nn.Softplus(2.0),
        sigmoid=nn.Sigmoid(),
        log_sigmoid=nn.LogSigmoid(),
        tanh=nn.Tanh(),
        hardtanh=nn.Hardtanh(-0.5, 0.7),
        hardswish=nn.Hardswish(),
        hardsigmoid=nn.Hardsigmoid(),
        relu6=nn.ReLU6(),
        prelu=nn.PReLU(4),
        softsign=nn.Softsign(),
        softshrink=nn.Softshrink(0.3),
        hardshrink=nn.Hardshrink(0.3),
        threshold=nn.Threshold(0.1, -2.0),
        tanhshrink=nn.Tanhshrink(),
        glu=nn.GLU(1),
        softmax=nn.Softmax(1),
        softmin=nn.Softmin(1),
        log_softmax=nn.LogSoftmax(1),
        drop=nn.Dropout(0.5),
    ).double(), (normal(2, 4),)


def elementwise() -> tuple[nn.Module, tuple[Any, ...]]:
    return Many(
        add=lambda x, y: torch.add(x, y, alpha=2),
        sub=lambda x, y: x - 2 * y,
        rsub=lambda x, y: 1 - x / y,
        power=lambda x, y: x**y,
        cube=lambda x, y: x**3,
        two=lambda x, y: 2.0**x,
        root=lambda x, y: torch.rsqrt(x) + torch.sqrt(y),
        logs=lambda x, y: (
            torch.log(x) + torch.log2(x) + torch.log10(y) + torch.log1p(y)
        ),
        exps=lambda x, y: torch.exp(x) + torch.exp2(y) + torch.expm1(x),
        circle=lambda x, y: torch.sin(x) * torch.cos(y) + torch.tan(x),
        arcs=lambda x, y: torch.asin(x) + torch.acos(y) + torch.atan2(x, y),
        hyper=lambda x, y: (
            torch.sinh(x) + torch.cosh(y) + torch.asinh(x) * torch.atanh(y)
        ),
        special=lambda x, y: torch.erf(x) + torch.erfc(y) + torch.lgamma(x),
        most=lambda x, y: (
            torch.maximum(x, y) + torch.minimum(x, y * 2) + x.clamp(0.2, 0.5)
        ),
        where=lambda x, y: torch.where(x > y, x * 2, y) + x.masked_fill(y < x, 3.0),
        both=lambda x, y: torch.where((x > 0.3) & ~(y < 0.2) | (x == y), x, y * y),
        mixes=lambda x, y: (
            torch.lerp(x, y, 0.3)
            + torch.addcmul(x, x, y, value=2)
            + torch.addcdiv(x, x, y)
            + torch.xlogy(x, y)
            + torch.logaddexp(x, y)
        ),
        size=lambda x, y: (x - y).abs() + torch.sign(x - y) * x + (x - y).square(),
        rounded=lambda x, y: (
            torch.round(4 * x) + torch.remainder(3 * x, 0.4) + torch.frac(5 * y)
        ),
        lengths=lambda x, y: (
            torch.hypot(x, y)
            + torch.sinc(x)
            + torch.special.ndtr(y)
            + torch.special.i0(x)
        ),
        logit=lambda x, y: torch.logit(x) + torch.reciprocal(y) - torch.neg(x),
    ), (positive(2, 3), positive(2, 3))


def shapes() -> tuple[nn.Module, tuple[Any, ...]]:
    return Many(
        view=lambda x: x.view(4, 6) @ x.reshape(6, 4),
        flat=nn.Flatten(),
        unflat=nn.Unflatten(2, (2, 2)),
        permute=lambda x: x.permute(2, 0, 1),
        transpose=lambda x: x.transpose(0, 2),
        turned=lambda x: x.mT + x[:, :, :3].mT.sum(),
        t=lambda x: x[0].t(),
        expand=lambda x: x[:, :1].expand(-1, 5, 4),
        repeat=lambda x: x.repeat(2, 1, 1),
        tile=lambda x: torch.tile(x, (1, 2)),
        interleave=lambda x: x.repeat_interleave(2, 1),
        flip=lambda x: x.flip(0, 2),
        roll=lambda x: x.roll(1, 2),
        cat=lambda x: torch.cat([x, 2 * x], 1),
        stack=lambda x: torch.stack([x, x * x], 1),
        chunk=lambda x: x.chunk(2, 2)[1],
        split=lambda x: x.split([1, 2], 1)[1],
        unbind=lambda x: x.unbind(1)[2],
        select=lambda x: x[:, 1],
        steps=lambda x: x[:, ::2, -2:],
        narrow=lambda x: x.narrow(2, 1, 2),
        squeeze=lambda x: x.unsqueeze(1).squeeze(),
        listed=lambda x: x[:, [2, 0]],
        pairs=lambda x: x[[0, 1], [2, 0]],
        picked=lambda x: x.index_select(2, torch.tensor([3, 0])),
        gathered=lambda x: x.gather(1, torch.tensor([[[2, 0, 1, 1]], [[0, 0, 2, 1]]])),
        pad=lambda x: F.pad(x, (1, 2, 0, 1), value=0.5),
        cut=lambda x: F.pad(x, (-1, 1)),
        reflect=nn.ReflectionPad1d(2),
        edge=nn.ReplicationPad1d(1),
        wrap=nn.CircularPad1d(1),
        diagonal=lambda x: torch.diagonal(x, 0, 1, 2),
        unfold=lambda x: x.unfold(2, 2, 1),
        tril=lambda x: x.tril() + x.triu(1) * 2,
        up=nn.Upsample(scale_factor=2),
        shuffle=lambda x: nn.functional.pixel_shuffle(x.reshape(1, 4, 2, 3), 2),
        like=lambda x: (
            torch.ones_like(x) * x + torch.zeros_like(x) + torch.full_like(x, 2.0)
        ),
        written=_written,
        cast=lambda x: x.to(torch.float64) * (x > 0).double(),
        einsum=lambda x: torch.einsum("bij,bkj->bik", x, x),
        sorted=lambda x: x.sort(1, descending=True).values + x.topk(3, 1).values,
    ), (normal(2, 3, 4),)


def _written(x: torch.Tensor) -> torch.Tensor:
    """Write into slices, which export makes functional."""
    out = torch.zeros(2, 4, dtype=x.dtype)
    out[:, :2] = x[:, 0, :2]
    out[1] = x[1, 1]
    out += 1
    return out.relu_()


def reductions() -> tuple[nn.Module, tuple[Any, ...]]:
    return Many(
        total=lambda x: x.sum() + x.mean(),
        rows=lambda x: x.sum((0, 2)) + x.mean((0, 2)),
        kept=lambda x: x.sum(1, keepdim=True),
        prod=lambda x: x.prod(1),
        most=lambda x: x.max(1).values + x.amax(1) + x.max(),
        least=lambda x: x.min(2)[0] + x.amin(2),
        var=lambda x: x.var() + x.var(1).sum() + x.var(1, unbiased=False).sum(),
        std=lambda x: x.std((0, 1)),
        both=lambda x: sum(torch.var_mean(x, 1)),
        std_mean=lambda x: sum(torch.std_mean(x, 1)),
        norm=lambda x: torch.linalg.vector_norm(x, dim=1) + x.norm(),
        one=lambda x: x.norm(1, 2),
        most_norm=lambda x: x.norm(float("inf"), 2),
        cube=lambda x: torch.linalg.vector_norm(x, 3, 1),
        cumsum=lambda x: x.cumsum(1),
        lse=lambda x: x.logsumexp((0, 1)),
        cosine=lambda x: F.cosine_similarity(x[:, 0], x[:, 1], dim=-1),
        distance=lambda x: F.pairwise_distance(x[0], x[1]),
        count=lambda x: (x > 0).sum(1) * x[:, 0],
    ), (normal(2, 3, 4),)


def layers() -> tuple[nn.Module, tuple[Any, ...]]:
    batch = nn.BatchNorm2d(4)
    nn.init.uniform_(batch.running_mean)
    nn.init.uniform_(batch.running_var, 0.5, 2.0)
    return Many(
        conv=nn.Conv2d(4, 6, 3),
        stride=nn.Conv2d(4, 2, (2, 3), (2, 1), (1, 0)),
        dilated=nn.Conv2d(4, 2, 2, dilation=(2, 3)),
        groups=nn.Conv2d(4, 6, 3, padding=1, groups=2),
        depthwise=nn.Conv2d(4, 4, 3, groups=4, bias=False),
        same=nn.Conv2d(4, 2, (3, 2), padding="same"),
        turned=nn.ConvTranspose2d(4, 2, 3, 2, 1, output_padding=1),
        average=nn.AvgPool2d(2),
        padded=nn.AvgPool2d(3, 2, 1, ceil_mode=True),
        inside=nn.AvgPool2d(3, 2, 1, count_include_pad=False),
        most=nn.MaxPool2d(3, 2, 1),
        adaptive=nn.AdaptiveAvgPool2d((2, 3)),
        one=nn.AdaptiveAvgPool2d(1),
        adaptive_most=nn.AdaptiveMaxPool2d(2),
        batch=batch,
        group=nn.GroupNorm(2, 4),
        layer=nn.LayerNorm((5, 6)),
        rms=nn.RMSNorm(6),
        instance=nn.InstanceNorm2d(4, affine=True),
        both=lambda x: (
            torch.linalg.solve(x @ x.mT + torch.eye(5), x)
            + torch.linalg.inv(x @ x.mT + torch.eye(5)) @ x
        ),
        volume=lambda x: torch.linalg.det(x @ x.mT + torch.eye(5)),
        crossed=_Crossed(),
        vector=lambda x: (
            x[0, 0].mv(x[0, 1, 0])
            + x[0, 0, 0].dot(x[0, 1, 0])
            + (x[0, 0] @ x[0, 1].mT).trace()
        ),
        linear=nn.Linear(6, 3),
        bilinear=lambda x: x @ x.mT,
        drop=nn.Dropout2d(),
        unbatched=lambda x: F.conv2d(x[0], torch.ones(1, 4, 2, 2, dtype=x.dtype)),
        line=lambda x: F.conv1d(
            x[:, :, 0], torch.ones(2, 4, 3, dtype=x.dtype), padding=1
        ),
        windows=lambda x: F.unfold(x, 2),
        pool1=lambda x: F.max_pool1d(x[:, :, 0], 2),
    ).double(), (normal(2, 4, 5, 6),)


def attention() -> tuple[nn.Module, tuple[Any, ...]]:
    return Many(
        multihead=_SelfAttention(),
        masked=_Masked(),
        encoder=nn.TransformerEncoderLayer(6, 2, 8, batch_first=True, norm_first=True),
        decoder=_Decoder(),
        product=lambda x: F.scaled_dot_product_attention(x, 2 * x, x),
        causal=lambda x: F.scaled_dot_product_attention(x, x, x, is_causal=True),
        biased=lambda x: F.scaled_dot_product_attention(
            x, x, x, attn_mask=torch.eye(4, dtype=x.dtype)
        ),
    ).double(), (normal(1, 4, 6),)


class _Crossed(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.bilinear = nn.Bilinear(6, 6, 2)

    def forward(self, x: Any) -> Any:
        return self.bilinear(x, 2 * x)


class _SelfAttention(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.attention = nn.MultiheadAttention(6, 3, batch_first=True)

    def forward(self, x: Any) -> Any:
        mask = torch.triu(torch.ones(4, 4, dtype=torch.bool), 1)
        return self.attention(x, x, x, attn_mask=mask)[0] + self.attention(x, x, x)[0]


class _Masked(nn.Module):
    """Attention written by hand, with a mask of minus infinity."""

    def __init__(self) -> None:
        super().__init__()
        self.key = nn.Linear(6, 6)
        self.register_buffer("past", torch.tril(torch.ones(4, 4)))

    def forward(self, x: Any) -> Any:
        scores = x @ self.key(x).mT / 6**0.5
        scores = scores.masked_fill(self.past == 0, float("-inf"))
        return F.softmax(scores, dim=-1) @ x


class _Decoder(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.TransformerDecoderLayer(6, 2, 8, batch_first=True)

    def forward(self, x: Any) -> Any:
        mask = nn.Transformer.generate_square_subsequent_mask(4, dtype=x.dtype)
        return self.layer(x, x * x, tgt_mask=mask)


def recurrent() -> tuple[nn.Module, tuple[Any, ...]]:
    return Many(
        lstm=nn.LSTM(3, 4, 2),
        both=nn.LSTM(3, 2, bidirectional=True, bias=False),
        projected=nn.LSTM(3, 4, proj_size=2),
        gru=nn.GRU(3, 4, batch_first=True),
        gru_both=nn.GRU(3, 2, 2, bidirectional=True),
        tanh=nn.RNN(3, 4),
        relu=nn.RNN(3, 4, nonlinearity="relu"),
        alone=_Alone(),
    ).double(), (normal(3, 2, 3),)


class _Alone(nn.Module):
    """Cells, and a sequence without an axis of records."""

    def __init__(self) -> None:
        super().__init__()
        self.lstm, self.gru = nn.LSTMCell(3, 4), nn.GRUCell(3, 4)
        self.plain, self.whole = nn.RNNCell(3, 4), nn.LSTM(3, 4)

    def forward(self, x: Any) -> Any:
        return (
            self.lstm(x[0])[0] + self.gru(x[1]) + self.plain(x[2]) + self.whole(x[0])[0]
        )


def regression_losses() -> tuple[nn.Module, tuple[Any, ...]]:
    return Many(
        mse=nn.MSELoss(),
        mse_sum=nn.MSELoss(reduction="sum"),
        l1=nn.L1Loss(),
        huber=nn.HuberLoss(delta=0.4),
        smooth=nn.SmoothL1Loss(beta=0.3),
        each=nn.HuberLoss(reduction="none"),
        poisson=nn.PoissonNLLLoss(),
        poisson_full=nn.PoissonNLLLoss(log_input=False, full=True),
        bce=nn.BCELoss(),
        bce_weighted=nn.BCELoss(torch.tensor([1.0, 2.0, 3.0])),
        logits=nn.BCEWithLogitsLoss(reduction="sum"),
        positive=nn.BCEWithLogitsLoss(pos_weight=torch.tensor([1.0, 2.0, 3.0])),
        kl=nn.KLDivLoss(reduction="batchmean"),
        kl_log=nn.KLDivLoss(reduction="sum", log_target=True),
        margin=lambda x, y: F.soft_margin_loss(x - y, torch.ones(2, 3)),
        crossed=nn.CrossEntropyLoss(),
        crossed_smooth=nn.CrossEntropyLoss(
            label_smoothing=0.1, weight=torch.tensor([1.0, 2.0, 3.0])
        ),
        cosine=lambda x, y: 1 - F.cosine_similarity(x, y).mean(),
    ).double(), (positive(2, 3), positive(2, 3))


WEIGHT = torch.tensor([1.0, 0.5, 2.0, 3.0], dtype=torch.float64)


def label_losses() -> tuple[nn.Module, tuple[Any, ...]]:
    """Return losses of class indices, which are an input."""
    return Many(
        crossed=nn.CrossEntropyLoss(),
        total=nn.CrossEntropyLoss(reduction="sum"),
        weighted=nn.CrossEntropyLoss(WEIGHT),
        each=nn.CrossEntropyLoss(reduction="none"),
        smooth=nn.CrossEntropyLoss(label_smoothing=0.2),
        smooth_weighted=nn.CrossEntropyLoss(WEIGHT, label_smoothing=0.2),
        nll=nn.NLLLoss(),
        nll_weighted=nn.NLLLoss(WEIGHT, reduction="sum"),
        one_hot=lambda x, y: F.one_hot(y, 4) * x,
        gathered=lambda x, y: x.gather(1, y[:, None]),
        picked=lambda x, y: x[torch.arange(2), y],
        rows=lambda x, y: x.mT[y] * 2,
        margin=lambda x, y: (1 - x.gather(1, y.unsqueeze(1)) + x).clamp(min=0).sum(),
        embedded=_Embedded(),
        counted=lambda x, y: x * y[:, None].double(),
    ), (normal(2, 4), torch.tensor([3, 1]))


GROUPS: dict[str, Callable[[], tuple[nn.Module, tuple[Any, ...]]]] = {
    f.__name__: f
    for f in (
        activations,
        elementwise,
        shapes,
        reductions,
        layers,
        attention,
        recurrent,
        regression_losses,
        label_losses,
    )
}


class _Embedded(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.table = nn.Embedding(4, 3, padding_idx=3).double()

    def forward(self, x: Any, y: Any) -> Any:
        return self.table(y)
