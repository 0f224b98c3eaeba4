rule diversity:
    input:
        files_of("diversity"),


use rule stage as measure_diversity with:
    input:
        **inputs("measure_diversity"),
    output:
        **outputs("measure_diversity"),
    log:
        log_of("measure_diversity"),
    benchmark:
        benchmark_of("measure_diversity")
    threads: threads_of("measure_diversity")
    resources:
        **resources_of("measure_diversity"),
    params:
        **params_of("measure_diversity"),
    message:
        message_of("measure_diversity")


use rule stage as draw_diversity with:
    input:
        **inputs("draw_diversity"),
    output:
        **outputs("draw_diversity"),
    log:
        log_of("draw_diversity"),
    benchmark:
        benchmark_of("draw_diversity")
    threads: threads_of("draw_diversity")
    resources:
        **resources_of("draw_diversity"),
    params:
        **params_of("draw_diversity"),
    message:
        message_of("draw_diversity")
