//! The library's settings as this command line names them.

use migrate_core::report::Setting;

pub(in crate::console) fn of_setting(setting: &Setting) -> String {
    match setting {
        Setting::Table => "`--table SCHEMA.TABLE`".to_owned(),
        Setting::WithoutLedger => "`--no-ledger`".to_owned(),
        Setting::LockWait => "`--lock-wait DURATION`".to_owned(),
        Setting::LockRetry => "`--lock-retry-budget DURATION`".to_owned(),
        Setting::Deadline => "`--deadline DURATION`".to_owned(),
        Setting::SingleTransaction => "`--single-transaction` holds what does not control its transactions".to_owned(),
        Setting::Late => "`--allow-missing` applies it late".to_owned(),
        Setting::OwnTransactions => "`--allow-transaction-control` sends it as goose does".to_owned(),
        Setting::Resolve { version, in_doubt, behind } => format!(
            "if it took effect: `migrate resolve --version {version} --resume-from {behind} --yes`; if not: \
             `--resume-from {in_doubt}`; if the file is as good as done: `--applied`"
        ),
        other => format!("`{}`", other.field()),
    }
}
