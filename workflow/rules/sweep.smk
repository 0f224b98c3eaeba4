rule sweep:
    input:
        files_of("sweep"),


# Training and evaluation of a point are one job of a cluster: the group. They stay two rules, so
# that another evaluation does not train again.
use rule stage as train_point with:
    input:
        **inputs("train_point"),
    output:
        **outputs("train_point"),
    log:
        log_of("train_point"),
    benchmark:
        benchmark_of("train_point")
    group:
        "point"
    threads: threads_of("train_point")
    resources:
        **resources_of("train_point"),
    params:
        **params_of("train_point"),
    message:
        message_of("train_point")


use rule stage as evaluate_point with:
    input:
        **inputs("evaluate_point"),
    output:
        **outputs("evaluate_point"),
    log:
        log_of("evaluate_point"),
    benchmark:
        benchmark_of("evaluate_point")
    group:
        "point"
    threads: threads_of("evaluate_point")
    resources:
        **resources_of("evaluate_point"),
    params:
        **params_of("evaluate_point"),
    message:
        message_of("evaluate_point")


use rule stage as collect_sweep with:
    input:
        **inputs("collect_sweep"),
    output:
        **outputs("collect_sweep"),
    log:
        log_of("collect_sweep"),
    benchmark:
        benchmark_of("collect_sweep")
    threads: threads_of("collect_sweep")
    resources:
        **resources_of("collect_sweep"),
    params:
        **params_of("collect_sweep"),
    message:
        message_of("collect_sweep")


use rule stage as draw_sweep with:
    input:
        **inputs("draw_sweep"),
    output:
        **outputs("draw_sweep"),
    log:
        log_of("draw_sweep"),
    benchmark:
        benchmark_of("draw_sweep")
    threads: threads_of("draw_sweep")
    resources:
        **resources_of("draw_sweep"),
    params:
        **params_of("draw_sweep"),
    message:
        message_of("draw_sweep")
