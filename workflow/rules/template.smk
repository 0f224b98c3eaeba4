rule template:
    input:
        files_of("template"),


use rule stage as make_template with:
    input:
        **inputs("make_template"),
    output:
        **outputs("make_template"),
    log:
        log_of("make_template"),
    benchmark:
        benchmark_of("make_template")
    threads: threads_of("make_template")
    resources:
        **resources_of("make_template"),
    params:
        **params_of("make_template"),
    message:
        message_of("make_template")
