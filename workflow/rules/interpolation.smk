rule interpolation:
    input:
        files_of("interpolation"),


use rule stage as interpolate with:
    input:
        **inputs("interpolate"),
    output:
        **outputs("interpolate"),
    log:
        log_of("interpolate"),
    benchmark:
        benchmark_of("interpolate")
    threads: threads_of("interpolate")
    resources:
        **resources_of("interpolate"),
    params:
        **params_of("interpolate"),
    message:
        message_of("interpolate")


use rule stage as draw_interpolation with:
    input:
        **inputs("draw_interpolation"),
    output:
        **outputs("draw_interpolation"),
    log:
        log_of("draw_interpolation"),
    benchmark:
        benchmark_of("draw_interpolation")
    threads: threads_of("draw_interpolation")
    resources:
        **resources_of("draw_interpolation"),
    params:
        **params_of("draw_interpolation"),
    message:
        message_of("draw_interpolation")
