rule ablation:
    input:
        files_of("ablation"),


use rule stage as summarise with:
    input:
        **inputs("summarise"),
    output:
        **outputs("summarise"),
    log:
        log_of("summarise"),
    benchmark:
        benchmark_of("summarise")
    threads: threads_of("summarise")
    resources:
        **resources_of("summarise"),
    params:
        **params_of("summarise"),
    message:
        message_of("summarise")


use rule stage as draw_tradeoff with:
    input:
        **inputs("draw_tradeoff"),
    output:
        **outputs("draw_tradeoff"),
    log:
        log_of("draw_tradeoff"),
    benchmark:
        benchmark_of("draw_tradeoff")
    threads: threads_of("draw_tradeoff")
    resources:
        **resources_of("draw_tradeoff"),
    params:
        **params_of("draw_tradeoff"),
    message:
        message_of("draw_tradeoff")
