//! Parameters of other drivers and their pools, which stand in URLs that work elsewhere.

/// What becomes of another driver's parameter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Foreign {
    /// It concerns what this program has not: pools, caches, ways to send a query.
    WithoutEffect,
    /// It is this setting of the server, written as a list of schemas.
    SearchPath,
    /// It is that setting, written as one schema's name.
    Schema,
    /// It asks for something that is asked for otherwise here.
    Otherwise,
}

/// The driver's parameter of a name.
pub(super) fn find(name: &str) -> Option<Foreign> {
    Some(match name {
        "currentSchema" | "schema_search_path" => Foreign::SearchPath,
        "schema" => Foreign::Schema,
        // Whom to trust is never decided by leaving something out.
        "sslaccept" | "sslidentity" | "sslinline" | "sslfactory" | "uselibpqcompat" => Foreign::Otherwise,
        _ if names().any(|known| known == name) => Foreign::WithoutEffect,
        _ => return None,
    })
}

/// The names of those without effect.
pub(super) fn names() -> impl Iterator<Item = &'static str> {
    WITHOUT_EFFECT.split_ascii_whitespace()
}

/// By driver: pgx and its pool, lib/pq, Prisma, JDBC, Rails and Ecto, `SQLAlchemy` and its drivers, those of Node, sqlx,
/// golang-migrate, providers.
const WITHOUT_EFFECT: &str = "
    default_query_exec_mode description_cache_capacity statement_cache_capacity statement_cache_mode
    prefer_simple_protocol max_conns pool_max_conns pool_min_conns pool_min_idle_conns pool_max_conn_lifetime
    pool_max_conn_lifetime_jitter pool_max_conn_idle_time pool_health_check_period
    binary_parameters disable_prepared_binary_result
    connection_limit pool_timeout socket_timeout statement_cache_size max_connection_lifetime
    max_idle_connection_lifetime single_use_connections
    prepareThreshold preparedStatementCacheQueries preparedStatementCacheSizeMiB defaultRowFetchSize
    reWriteBatchedInserts binaryTransfer socketTimeout tcpKeepAlive autosave stringtype logUnclosedConnections
    preferQueryMode
    adapter pool pool_size prepared_statements reaping_frequency checkout_timeout idle_timeout
    async_fallback command_timeout prepared_statement_cache_size prepared_statement_name_func prepare_threshold
    max max_lifetime prepare idleTimeoutMillis connectionTimeoutMillis
    statement-cache-capacity keepalives_retries
    x-migrations-table x-migrations-table-quoted x-multi-statement x-multi-statement-max-size x-statement-timeout
    supa workaround
";
