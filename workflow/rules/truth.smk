rule truth:
    input:
        files_of("truth"),


use rule stage as make_recombinations with:
    input:
        **inputs("make_recombinations"),
    output:
        **outputs("make_recombinations"),
    log:
        log_of("make_recombinations"),
    benchmark:
        benchmark_of("make_recombinations")
    threads: threads_of("make_recombinations")
    resources:
        **resources_of("make_recombinations"),
    params:
        **params_of("make_recombinations"),
    message:
        message_of("make_recombinations")


use rule stage as measure_truth with:
    input:
        **inputs("measure_truth"),
    output:
        **outputs("measure_truth"),
    log:
        log_of("measure_truth"),
    benchmark:
        benchmark_of("measure_truth")
    threads: threads_of("measure_truth")
    resources:
        **resources_of("measure_truth"),
    params:
        **params_of("measure_truth"),
    message:
        message_of("measure_truth")


use rule stage as measure_truth_of_baselines with:
    input:
        **inputs("measure_truth_of_baselines"),
    output:
        **outputs("measure_truth_of_baselines"),
    log:
        log_of("measure_truth_of_baselines"),
    benchmark:
        benchmark_of("measure_truth_of_baselines")
    threads: threads_of("measure_truth_of_baselines")
    resources:
        **resources_of("measure_truth_of_baselines"),
    params:
        **params_of("measure_truth_of_baselines"),
    message:
        message_of("measure_truth_of_baselines")


use rule stage as draw_truth with:
    input:
        **inputs("draw_truth"),
    output:
        **outputs("draw_truth"),
    log:
        log_of("draw_truth"),
    benchmark:
        benchmark_of("draw_truth")
    threads: threads_of("draw_truth")
    resources:
        **resources_of("draw_truth"),
    params:
        **params_of("draw_truth"),
    message:
        message_of("draw_truth")
