//! A fault of this program itself: told in one line, and ended with the documented code instead of a signal.
//!
//! Invariant: only the place in the program is told. What a panic says may hold a piece of a file, of an answer of the
//! server or of a URL, and with it a secret.

use std::panic::PanicHookInfo;
use std::sync::OnceLock;

use migrate_core::report::Exit;
use serde_json::json;

use crate::arguments::Form;
use crate::console::Console;
use crate::end::End;
use crate::farewell::Farewell;
use crate::termination::Message;

/// What is known of the command line by then.
static KNOWN: OnceLock<(Farewell, Form)> = OnceLock::new();

/// Tells every fault from here on.
pub(crate) fn attend() {
    std::panic::set_hook(Box::new(tell));
}

/// From here on a fault is told in this form, and leaves this behind.
pub(crate) fn leave(farewell: Farewell, form: Form) {
    let _once = KNOWN.set((farewell, form));
}

fn tell(info: &PanicHookInfo<'_>) {
    let place = info.location().map_or_else(|| "an unknown place".to_owned(), ToString::to_string);
    let known = KNOWN.get();
    let form = known.map_or(Form::Text, |(_, form)| *form);
    Console::complain(&line(&place, form));
    // A thread that may fail without the command, as one of the embedded server's, unwinds where unwinding is built in.
    if cfg!(panic = "unwind") && std::thread::current().name() != Some("main") {
        return;
    }
    if let Some((farewell, _)) = known {
        let message = Message::of_exit(Exit::Internal, &told(&place));
        let _nobody_to_tell = (farewell.leave(&message, &End::by(Exit::Internal)), farewell.deliver());
    }
    std::process::exit(i32::from(Exit::Internal.row().code))
}

fn told(place: &str) -> String {
    format!("a fault of this program, at {place}; what was under way was rolled back or is in the journal")
}

/// One line, whatever the form.
fn line(place: &str, form: Form) -> String {
    let told = told(place);
    let next = "see `migrate status`, run again, and report the place";
    let code = Exit::Internal.row();
    match form {
        Form::Text => format!("error[{}]: {told}; {next}\n", code.name),
        Form::Json => {
            let fields = json!({
                "ts": jiff::Timestamp::now().to_string(), "level": "error", "event": "failed", "message": told,
                "run_id": crate::environment::run_id(), "code": code.name, "exit": code.code, "next": next,
            });
            format!("{fields}\n")
        }
    }
}

#[cfg(test)]
mod tests {
    use std::process::{Command, Stdio};

    use super::*;

    /// Fails on purpose, where another test has asked this binary to.
    #[test]
    fn a_process_that_fails_itself() {
        let Some(form) = crate::environment::variable("MIGRATE_TEST_FAULT") else { return };
        let form = if form == "json" { Form::Json } else { Form::Text };
        attend();
        leave(Farewell::default(), form);
        let fails = move || panic!("a secret: canary-of-{form:?}");
        // The harness runs tests on threads of their own.
        let thread = std::thread::Builder::new().name("main".to_owned()).spawn(fails);
        let _never = thread.map(std::thread::JoinHandle::join);
    }

    #[test]
    fn a_fault_is_one_line_with_its_place_and_the_documented_code() {
        for form in ["text", "json"] {
            let itself = std::env::current_exe().expect("this binary");
            let name = "fault::tests::a_process_that_fails_itself";
            let ended = Command::new(itself)
                .args(["--exact", name, "--nocapture", "--test-threads", "1"])
                .env("MIGRATE_TEST_FAULT", form)
                .stdin(Stdio::null())
                .output()
                .expect("it starts");
            let stderr = String::from_utf8_lossy(&ended.stderr);
            assert_eq!(ended.status.code(), Some(1), "{stderr}");
            assert_eq!(stderr.lines().count(), 1, "{stderr}");
            assert!(stderr.contains("fault.rs:") && !stderr.contains("canary"), "{stderr}");
            if form == "json" {
                let line: serde_json::Value = serde_json::from_str(&stderr).expect("JSON");
                assert_eq!((&line["event"], &line["exit"]), (&json!("failed"), &json!(1)));
            }
        }
    }
}
