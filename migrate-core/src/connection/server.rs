//! Settings of the server that a session may begin with, and how they are written for it.
//!
//! goose's driver sends what it does not know as a setting of the session; here a name has to be one.

/// Whether a server has a setting of this name, which a session may change. A name with a dot is an extension's or an
/// application's own.
pub(super) fn is_setting(name: &str) -> bool {
    names().any(|known| known.eq_ignore_ascii_case(name))
}

/// Whether it is of the form of an extension's own setting.
pub(super) fn is_custom(name: &str) -> bool {
    let is_word = |word: &str| {
        word.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
            && word.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
    };
    name.contains('.') && name.split('.').all(is_word)
}

/// The settings that a session may change.
pub(super) fn names() -> impl Iterator<Item = &'static str> {
    NAMES.split_ascii_whitespace()
}

/// One setting among the server's command-line options.
pub(super) fn option(name: &str, value: &str) -> String {
    let mut option = format!("-c {name}=");
    for c in value.chars() {
        if c == '\\' || is_space(c) {
            option.push('\\');
        }
        option.push(c);
    }
    option
}

/// The settings that command-line options give, the last of each.
pub(crate) fn given(options: &str) -> Vec<(String, String)> {
    let mut given: Vec<(String, String)> = Vec::new();
    let mut words = words(options).into_iter();
    while let Some(word) = words.next() {
        let setting = match word.strip_prefix("-c").or_else(|| word.strip_prefix("--")) {
            Some("") => words.next(),
            Some(setting) => Some(setting.to_owned()),
            None => None,
        };
        if let Some((name, value)) = setting.as_deref().and_then(|setting| setting.split_once('=')) {
            let name = name.replace('-', "_");
            given.retain(|(other, _)| !other.eq_ignore_ascii_case(&name));
            given.push((name, value.to_owned()));
        }
    }
    given
}

/// The words of a text as the server divides it: at white space, unless a backslash stands before it.
fn words(text: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        match c {
            c if is_space(c) => words.extend(word.take()),
            '\\' => word.get_or_insert_default().extend(chars.next()),
            c => word.get_or_insert_default().push(c),
        }
    }
    words.extend(word);
    words
}

/// C's `isspace`.
pub(super) fn is_space(c: char) -> bool {
    matches!(c, ' ' | '\t' | '\n' | '\r' | '\x0b' | '\x0c')
}

/// Of `PostgreSQL` 15 to 18: `postgres --describe-config`, the contexts `user`, `superuser` and `superuser-backend`, and
/// those that it does not show.
const NAMES: &str = "
    allow_in_place_tablespaces allow_system_table_mods array_nulls backend_flush_after backslash_quote
    backtrace_functions bytea_output check_function_bodies client_connection_check_interval client_min_messages
    commit_delay commit_siblings compute_query_id constraint_exclusion cpu_index_tuple_cost cpu_operator_cost
    cpu_tuple_cost createrole_self_grant cursor_tuple_fraction DateStyle deadlock_timeout
    debug_logical_replication_streaming debug_parallel_query debug_pretty_print debug_print_parse debug_print_plan
    debug_print_rewritten default_statistics_target default_table_access_method default_tablespace
    default_text_search_config default_toast_compression default_transaction_deferrable
    default_transaction_isolation default_transaction_read_only default_with_oids dynamic_library_path
    effective_cache_size effective_io_concurrency enable_async_append enable_bitmapscan enable_distinct_reordering
    enable_gathermerge enable_group_by_reordering enable_hashagg enable_hashjoin enable_incremental_sort
    enable_indexonlyscan enable_indexscan enable_material enable_memoize enable_mergejoin enable_nestloop
    enable_parallel_append enable_parallel_hash enable_partition_pruning enable_partitionwise_aggregate
    enable_partitionwise_join enable_presorted_aggregate enable_self_join_elimination enable_seqscan enable_sort
    enable_tidscan escape_string_warning event_triggers exit_on_error extension_control_path extra_float_digits
    file_copy_method force_parallel_mode from_collapse_limit geqo geqo_effort geqo_generations geqo_pool_size
    geqo_seed geqo_selection_bias geqo_threshold gin_fuzzy_search_limit gin_pending_list_limit hash_mem_multiplier
    icu_validation_level idle_in_transaction_session_timeout idle_session_timeout ignore_checksum_failure
    IntervalStyle io_combine_limit jit jit_above_cost jit_debugging_support jit_dump_bitcode jit_expressions
    jit_inline_above_cost jit_optimize_above_cost jit_profiling_support jit_tuple_deforming join_collapse_limit
    lc_messages lc_monetary lc_numeric lc_time lo_compat_privileges local_preload_libraries lock_timeout
    log_connections log_disconnections log_duration log_error_verbosity log_executor_stats log_lock_failures
    log_lock_waits log_min_duration_sample log_min_duration_statement log_min_error_statement log_min_messages
    log_parameter_max_length log_parameter_max_length_on_error log_parser_stats log_planner_stats
    log_replication_commands log_statement log_statement_sample_rate log_statement_stats log_temp_files
    log_transaction_sample_rate logical_decoding_work_mem maintenance_io_concurrency maintenance_work_mem
    max_parallel_maintenance_workers max_parallel_workers max_parallel_workers_per_gather max_stack_depth
    md5_password_warnings min_parallel_index_scan_size min_parallel_table_scan_size operator_precedence_warning
    parallel_leader_participation parallel_setup_cost parallel_tuple_cost password_encryption plan_cache_mode
    quote_all_identifiers random_page_cost recursive_worktable_factor restrict_nonsystem_relation_kind role
    row_security scram_iterations search_path seq_page_cost session_preload_libraries session_replication_role
    standard_conforming_strings statement_timeout stats_fetch_consistency synchronize_seqscans synchronous_commit
    tcp_keepalives_count tcp_keepalives_idle tcp_keepalives_interval temp_buffers temp_file_limit temp_tablespaces
    TimeZone timezone_abbreviations trace_sort track_activities track_cost_delay_timing track_counts track_functions
    track_io_timing track_wal_io_timing transaction_deferrable transaction_isolation transaction_read_only
    transaction_timeout transform_null_equals update_process_title vacuum_buffer_usage_limit
    vacuum_cleanup_index_scale_factor vacuum_cost_delay vacuum_cost_limit vacuum_cost_page_dirty
    vacuum_cost_page_hit vacuum_cost_page_miss vacuum_failsafe_age vacuum_freeze_min_age vacuum_freeze_table_age
    vacuum_max_eager_freeze_failure_rate vacuum_multixact_failsafe_age vacuum_multixact_freeze_min_age
    vacuum_multixact_freeze_table_age vacuum_truncate wal_compression wal_consistency_checking wal_init_zero
    wal_recycle wal_sender_timeout wal_skip_threshold work_mem xmlbinary xmloption zero_damaged_pages
";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_setting_is_written_so_that_the_server_reads_it_back() {
        for value in ["app", "app, public", "\"$user\",x", "a\\b", "", "a=b"] {
            let options = format!("endpoint=ep-x {}", option("search_path", value));
            assert_eq!(given(&options), [("search_path".to_owned(), value.to_owned())], "{options}");
        }
    }

    #[test]
    fn options_are_read_in_each_of_their_forms() {
        let own = |pairs: &[(&str, &str)]| -> Vec<(String, String)> {
            pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
        };
        assert_eq!(given("-c a=1 -cb=2 --work-mem=3 -c A=4"), own(&[("b", "2"), ("work_mem", "3"), ("A", "4")]));
        assert_eq!(given("-d 5 endpoint=ep-x -c"), own(&[]));
    }

    #[test]
    fn names_are_known_as_the_server_knows_them() {
        assert!(is_setting("search_path") && is_setting("timezone") && is_setting("statement_timeout"));
        assert!(!is_setting("shared_buffers") && !is_setting("nosuch"));
        assert!(is_custom("app.tenant") && !is_custom("app") && !is_custom("app.") && !is_custom("a.b c"));
    }
}
