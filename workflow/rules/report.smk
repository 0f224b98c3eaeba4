rule report:
    input:
        files_of("report"),


use rule stage as write_report with:
    input:
        **inputs("write_report"),
    output:
        **outputs("write_report"),
    log:
        log_of("write_report"),
    benchmark:
        benchmark_of("write_report")
    threads: threads_of("write_report")
    resources:
        **resources_of("write_report"),
    params:
        **params_of("write_report"),
    message:
        message_of("write_report")
