rule data:
    input:
        files_of("data"),


use rule stage as make_dataset with:
    input:
        user_files("data"),
        **inputs("make_dataset"),
    output:
        **outputs("make_dataset"),
    log:
        log_of("make_dataset"),
    benchmark:
        benchmark_of("make_dataset")
    threads: threads_of("make_dataset")
    resources:
        **resources_of("make_dataset"),
    params:
        **params_of("make_dataset"),
    message:
        message_of("make_dataset")


use rule stage as check_dataset with:
    input:
        **inputs("check_dataset"),
    output:
        **outputs("check_dataset"),
    log:
        log_of("check_dataset"),
    benchmark:
        benchmark_of("check_dataset")
    threads: threads_of("check_dataset")
    resources:
        **resources_of("check_dataset"),
    params:
        **params_of("check_dataset"),
    message:
        message_of("check_dataset")


use rule stage as draw_contact_sheet with:
    input:
        **inputs("draw_contact_sheet"),
    output:
        **outputs("draw_contact_sheet"),
    log:
        log_of("draw_contact_sheet"),
    benchmark:
        benchmark_of("draw_contact_sheet")
    threads: threads_of("draw_contact_sheet")
    resources:
        **resources_of("draw_contact_sheet"),
    params:
        **params_of("draw_contact_sheet"),
    message:
        message_of("draw_contact_sheet")
