rule evaluation:
    input:
        files_of("evaluation"),


use rule stage as evaluate_model with:
    input:
        **inputs("evaluate_model"),
    output:
        **outputs("evaluate_model"),
    log:
        log_of("evaluate_model"),
    benchmark:
        benchmark_of("evaluate_model")
    threads: threads_of("evaluate_model")
    resources:
        **resources_of("evaluate_model"),
    params:
        **params_of("evaluate_model"),
    message:
        message_of("evaluate_model")
