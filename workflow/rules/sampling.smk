rule sampling:
    input:
        files_of("sampling"),


use rule stage as fit_prior with:
    input:
        **inputs("fit_prior"),
    output:
        **outputs("fit_prior"),
    log:
        log_of("fit_prior"),
    benchmark:
        benchmark_of("fit_prior")
    threads: threads_of("fit_prior")
    resources:
        **resources_of("fit_prior"),
    params:
        **params_of("fit_prior"),
    message:
        message_of("fit_prior")


use rule stage as measure_samples with:
    input:
        **inputs("measure_samples"),
    output:
        **outputs("measure_samples"),
    log:
        log_of("measure_samples"),
    benchmark:
        benchmark_of("measure_samples")
    threads: threads_of("measure_samples")
    resources:
        **resources_of("measure_samples"),
    params:
        **params_of("measure_samples"),
    message:
        message_of("measure_samples")


use rule stage as measure_samples_of_baselines with:
    input:
        **inputs("measure_samples_of_baselines"),
    output:
        **outputs("measure_samples_of_baselines"),
    log:
        log_of("measure_samples_of_baselines"),
    benchmark:
        benchmark_of("measure_samples_of_baselines")
    threads: threads_of("measure_samples_of_baselines")
    resources:
        **resources_of("measure_samples_of_baselines"),
    params:
        **params_of("measure_samples_of_baselines"),
    message:
        message_of("measure_samples_of_baselines")


use rule stage as draw_samples with:
    input:
        **inputs("draw_samples"),
    output:
        **outputs("draw_samples"),
    log:
        log_of("draw_samples"),
    benchmark:
        benchmark_of("draw_samples")
    threads: threads_of("draw_samples")
    resources:
        **resources_of("draw_samples"),
    params:
        **params_of("draw_samples"),
    message:
        message_of("draw_samples")
