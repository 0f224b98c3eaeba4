rule baselines:
    input:
        files_of("baselines"),


use rule stage as evaluate_baselines with:
    input:
        **inputs("evaluate_baselines"),
    output:
        **outputs("evaluate_baselines"),
    log:
        log_of("evaluate_baselines"),
    benchmark:
        benchmark_of("evaluate_baselines")
    threads: threads_of("evaluate_baselines")
    resources:
        **resources_of("evaluate_baselines"),
    params:
        **params_of("evaluate_baselines"),
    message:
        message_of("evaluate_baselines")
