rule training:
    input:
        files_of("training"),


use rule stage as train_model with:
    input:
        **inputs("train_model"),
    output:
        **outputs("train_model"),
    log:
        log_of("train_model"),
    benchmark:
        benchmark_of("train_model")
    threads: threads_of("train_model")
    resources:
        **resources_of("train_model"),
    params:
        **params_of("train_model"),
    message:
        message_of("train_model")


use rule stage as draw_learning_curve with:
    input:
        **inputs("draw_learning_curve"),
    output:
        **outputs("draw_learning_curve"),
    log:
        log_of("draw_learning_curve"),
    benchmark:
        benchmark_of("draw_learning_curve")
    threads: threads_of("draw_learning_curve")
    resources:
        **resources_of("draw_learning_curve"),
    params:
        **params_of("draw_learning_curve"),
    message:
        message_of("draw_learning_curve")
