rule local_weights:
    input:
        files_of("local_weights"),


use rule stage as make_local_weights with:
    input:
        user_files("local_weights"),
        **inputs("make_local_weights"),
    output:
        **outputs("make_local_weights"),
    log:
        log_of("make_local_weights"),
    benchmark:
        benchmark_of("make_local_weights")
    threads: threads_of("make_local_weights")
    resources:
        **resources_of("make_local_weights"),
    params:
        **params_of("make_local_weights"),
    message:
        message_of("make_local_weights")


use rule stage as draw_local_weights with:
    input:
        **inputs("draw_local_weights"),
    output:
        **outputs("draw_local_weights"),
    log:
        log_of("draw_local_weights"),
    benchmark:
        benchmark_of("draw_local_weights")
    threads: threads_of("draw_local_weights")
    resources:
        **resources_of("draw_local_weights"),
    params:
        **params_of("draw_local_weights"),
    message:
        message_of("draw_local_weights")
