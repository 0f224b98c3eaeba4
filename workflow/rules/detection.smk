rule detection:
    input:
        files_of("detection"),


use rule stage as draw_fresh_faces with:
    input:
        **inputs("draw_fresh_faces"),
    output:
        **outputs("draw_fresh_faces"),
    log:
        log_of("draw_fresh_faces"),
    benchmark:
        benchmark_of("draw_fresh_faces")
    threads: threads_of("draw_fresh_faces")
    resources:
        **resources_of("draw_fresh_faces"),
    params:
        **params_of("draw_fresh_faces"),
    message:
        message_of("draw_fresh_faces")


use rule stage as measure_detection with:
    input:
        **inputs("measure_detection"),
    output:
        **outputs("measure_detection"),
    log:
        log_of("measure_detection"),
    benchmark:
        benchmark_of("measure_detection")
    threads: threads_of("measure_detection")
    resources:
        **resources_of("measure_detection"),
    params:
        **params_of("measure_detection"),
    message:
        message_of("measure_detection")


use rule stage as measure_detection_of_baselines with:
    input:
        **inputs("measure_detection_of_baselines"),
    output:
        **outputs("measure_detection_of_baselines"),
    log:
        log_of("measure_detection_of_baselines"),
    benchmark:
        benchmark_of("measure_detection_of_baselines")
    threads: threads_of("measure_detection_of_baselines")
    resources:
        **resources_of("measure_detection_of_baselines"),
    params:
        **params_of("measure_detection_of_baselines"),
    message:
        message_of("measure_detection_of_baselines")


use rule stage as measure_dials with:
    input:
        **inputs("measure_dials"),
    output:
        **outputs("measure_dials"),
    log:
        log_of("measure_dials"),
    benchmark:
        benchmark_of("measure_dials")
    threads: threads_of("measure_dials")
    resources:
        **resources_of("measure_dials"),
    params:
        **params_of("measure_dials"),
    message:
        message_of("measure_dials")


use rule stage as measure_dials_of_baselines with:
    input:
        **inputs("measure_dials_of_baselines"),
    output:
        **outputs("measure_dials_of_baselines"),
    log:
        log_of("measure_dials_of_baselines"),
    benchmark:
        benchmark_of("measure_dials_of_baselines")
    threads: threads_of("measure_dials_of_baselines")
    resources:
        **resources_of("measure_dials_of_baselines"),
    params:
        **params_of("measure_dials_of_baselines"),
    message:
        message_of("measure_dials_of_baselines")


use rule stage as draw_detection with:
    input:
        **inputs("draw_detection"),
    output:
        **outputs("draw_detection"),
    log:
        log_of("draw_detection"),
    benchmark:
        benchmark_of("draw_detection")
    threads: threads_of("draw_detection")
    resources:
        **resources_of("draw_detection"),
    params:
        **params_of("draw_detection"),
    message:
        message_of("draw_detection")
