ARRAYS = {
    k: None
    for k in [
        "broadcast",
        "reshape",
        "transpose",
        "concatenate",
        "gather",
        "scatter",
        "sum",
        "prod",
        "max",
        "first_maximum",
        "tie_slope",
        "cumsum",
        "matmul",
        "softmax",
        "logsumexp",
        "select",
    ]
}
