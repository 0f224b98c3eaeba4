rule truth:
    input:
        files_of("truth"),


use rule stage as measure_truth with:
    input:
        **inputs("measure_truth"),
    output:
        **outputs("measure_truth"),
    log:
        log_of("measure_truth"),
    benchmark:
        benchmark_of("measure_truth")
    threads: needs.threads("measure_truth")
    resources:
        **resources_of("measure_truth"),
    params:
        **params_of("measure_truth"),
    message:
        message_of("measure_truth")
