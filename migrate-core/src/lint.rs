//! What a person should know before a migration is deployed.
//!
//! Floor 7. From a parsed set to [`Finding`]s: the catalog is folded through the whole history, and the rules of
//! [`RULES`] look at each command of the migrations that are judged. A rule is one file in `lint/` and one row of the
//! table. Invariant: one finding per cause, and older migrations give facts, never findings.

mod absent;
mod allow;
mod blocked;
mod body;
mod difference;
mod example;
mod fact;
mod finding;
mod names;
mod newer_forms;
mod rule;
mod settings;
mod steps;
mod subject;
mod tables;
mod taken;
mod timeouts;
mod transaction;
mod twice;
mod victims;
mod walk;
mod writes;

pub use allow::ActiveAllow;
#[cfg(feature = "postgres")]
pub(crate) use body::commands as words_of_commands;
pub use fact::{facts, meaning};
pub use finding::Finding;
pub use not_in_transaction::unrunnable;
pub use rule::{Check, Findings, Report, Rule};
pub use settings::Settings;
pub use steps::{Steps, all_steps, pass, schema_before, steps, steps_from};
pub use subject::{File, Subject};
pub use transaction::{NewValue, Transaction};
pub use walk::{Review, lint, review, review_commands};

/// The rule about comments that allow nothing (`lint/unused_allow.rs`).
const UNUSED_ALLOW: &str = "G23";

// The table: a row a rule, by id. Each row is a file in `lint/` with `pub(super) static RULE: Rule`.
rule::rules! {
    // B
    rename_column
    rename_table
    rename_other
    required_column_no_default
    drop_default_on_required_column
    drop_not_null
    tightens_existing
    visible_type_change
    view_shape_change
    function_signature_change
    default_changed
    rls_without_policy
    privileges_removed
    identity_always
    json_column
    // D
    drop_table
    drop_column
    drop_column_drops_more
    truncate
    truncate_cascade
    drop_cascade
    drop_schema
    drop_database
    drop_constraint
    unbounded_delete
    drop_or_narrow_type
    drop_routine_or_view_in_use
    // F
    unknown_object
    already_exists
    view_dependency
    data_dependent_unique
    data_dependent_validate
    fk_mismatch
    unsupported_on_version
    identifier_too_long
    extension_missing
    // G
    missing_down
    down_incomplete
    down_loses_data
    down_not_runnable
    out_of_order_version
    mixed_version_schemes
    search_path_reset
    envsub_changes_ddl
    opaque_ddl
    dump_leftovers
    touches_version_table
    empty_up
    unused_allow
    // L
    blocking_index_build
    blocking_index_drop
    reindex_blocking
    vacuum_full_or_cluster
    refresh_blocking
    fk_validated_under_lock
    check_validated_under_lock
    validate_in_same_transaction
    set_not_null_scan
    unique_built_under_lock
    pk_built_under_lock
    exclusion_built_under_lock
    volatile_default_rewrite
    stored_generated_rewrite
    serial_or_identity_rewrite
    constrained_domain_rewrite
    type_change_rewrite
    type_change_rebuilds_index
    type_change_rechecks_constraint
    storage_rewrite
    create_partition_of_locks_parent
    attach_partition_scan
    detach_partition_blocking
    drop_locks_referenced_table
    many_fk_in_one_transaction
    domain_constraint_validated
    trigger_ddl_blocks_writes
    sequence_alter_blocks_nextval
    alter_table_on_index
    statement_while_holding_access_exclusive
    wide_lock_window
    lock_upgrade
    missing_lock_timeout
    lock_timeout_bad_value
    combine_alter_table
    guard_still_locks
    // M
    unbatched_backfill
    mixed_ddl_dml
    insert_without_columns
    delete_without_fk_index
    nondeterministic_seed
    // T
    not_in_transaction
    nontx_not_rerunnable
    nontx_implicit_transaction
    nontx_mixed_statements
    cic_if_not_exists_invalid_index
    cic_under_timeout
    transaction_control
    enum_value_used_in_same_transaction
    set_local_outside_transaction
    session_setting_leak
    commit_in_block
    concurrently_unsupported
}
