//! Crash consistency: whatever is done to a run, the runs behind it make what an undisturbed one makes.
//!
//! A seed draws a set of migrations and a disturbance. Two databases get the set, one in peace, the other disturbed and
//! then run again until it is done; afterwards they hold the same schema, data and versions, and counters in the data say
//! that nothing was applied twice or never. `MIGRATE_CRASH_SEED=17` runs one seed alone.

pub(crate) mod dice;
mod disturbance;
mod oracle;
mod shapes;
mod tally;
mod wrapped;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use migrate_scratch::Server;

use self::dice::Dice;
use self::disturbance::{Disturbance, How, Measure, Run, Target, disturbed, undisturbed};
use self::oracle::State;
use self::shapes::MigrationSet;
use self::tally::{Scene, Tally};
use crate::lab::servers;
use crate::pooler::Pooler;
use crate::stage::{Database, folder};

/// Seeds of a usual run, and of a long one.
const SEEDS: u64 = 60;
const ALL_SEEDS: u64 = 1000;
/// Scenes at once: they wait more than they compute.
const AT_ONCE: usize = 3;
/// A rerun that is disturbed again is followed by another; undisturbed, one is enough.
const RERUNS_AT_MOST: usize = 4;

#[test]
fn after_any_disturbance_a_rerun_makes_what_an_undisturbed_run_makes() {
    let seeds = match std::env::var("MIGRATE_CRASH_SEED") {
        Ok(seed) => {
            let seed = seed.parse().expect("MIGRATE_CRASH_SEED is a number");
            seed..=seed
        }
        Err(_) if std::env::var_os("MIGRATE_LONG").is_some() => 1..=ALL_SEEDS,
        Err(_) => 1..=SEEDS,
    };
    let (next, last) = (AtomicU64::new(*seeds.start()), *seeds.end());
    let (tally, failures) = (Mutex::new(Tally::default()), Mutex::new(Vec::new()));
    let places = places();
    let started = Instant::now();
    let work = || {
        loop {
            let seed = next.fetch_add(1, Ordering::Relaxed);
            if seed > last {
                break;
            }
            match catch_unwind(AssertUnwindSafe(|| scene(seed, &places))) {
                Ok(scene) => tally.lock().expect("a tally").add(&scene),
                Err(_) => failures.lock().expect("failures").push(seed),
            }
        }
    };
    std::thread::scope(|scope| {
        for _ in 0..AT_ONCE {
            scope.spawn(work);
        }
    });
    let tally = tally.into_inner().expect("a tally");
    println!("{}", tally.report(started.elapsed()));
    let failures = failures.into_inner().expect("failures");
    assert!(failures.is_empty(), "seeds {failures:?} failed; MIGRATE_CRASH_SEED=N runs one of them alone");
    assert!(tally.disturbed * 10 >= tally.scenes * 7 || tally.scenes < 10, "most scenes are to be disturbed");
}

/// A way to a server: directly, or through a pooler in transaction mode.
struct Place {
    server: &'static Server,
    pooler: Option<Pooler>,
}

/// Three seeds of four go directly.
fn places() -> Vec<Place> {
    let of_server = |server: &'static Server| {
        let pooler = Pooler::start("crash consistency, pooled", server.port(), "default_pool_size = 3");
        let direct = || Place { server, pooler: None };
        [direct(), Place { server, pooler }, direct(), direct()]
    };
    let each: Vec<[Place; 4]> = servers("crash consistency").into_iter().map(of_server).collect();
    each.into_iter().flatten().collect()
}

/// All of one seed.
fn scene(seed: u64, places: &[Place]) -> Scene {
    let mut dice = Dice::of(seed);
    let Place { server, pooler } = dice.pick(places);
    let port = pooler.as_ref().map_or(server.port(), |pooler| pooler.port);
    let set = MigrationSet::of(&mut dice, pooler.is_none());
    let disturbance = Disturbance::of(&mut dice, set.shapes.iter().any(|shape| shape.contains("INDEX")));
    let files: Vec<(&str, &str)> = set.files.iter().map(|(name, text)| (name.as_str(), text.as_str())).collect();
    let folder = folder(&files);
    let databases = [Database::create_on(server), Database::create_on(server)];
    for database in &databases {
        database.rows(&set.setup());
    }
    let [calm, stormy] = databases.each_ref().map(|database| Target { database, port, dir: folder.path() });
    let (run, measure) = undisturbed(calm);
    assert_eq!(run.code, Some(0), "seed {seed}: the set itself: {}\n{:#?}", run.told, set.files);
    let first = disturbed(stormy, &disturbance, &measure);
    let context = format!("seed {seed}, {disturbance:?}");
    assert!(may_end(disturbance.how, first.code), "{context}: ended with {:?}: {}", first.code, first.told);
    let reruns = run_again(stormy, &mut dice, &measure, &context);
    let states = databases.each_ref().map(|database| State::of(database, server));
    let what = || format!("{context}\nfirst run ended with {:?}: {}\nfiles: {:#?}", first.code, first.told, set.files);
    assert_eq!(states[1].differences(&states[0]), Vec::<String>::new(), "{}", what());
    for (database, state) in databases.iter().zip(&states) {
        assert!(state.miscounted().is_empty() && state.has_versions(set.files.len()), "{state:?}\n{}", what());
        assert_eq!(oracle::leftovers(database), Vec::<String>::new(), "{}", what());
    }
    let way = if pooler.is_some() { "through PgBouncer" } else { "directly" };
    Scene { disturbance, shapes: set.shapes, first, reruns, place: format!("PostgreSQL {}, {way}", server.major()) }
}

/// Whether a run may end so: it goes on by itself, or says that the connection broke or that it was told to end. Never
/// that a migration failed.
fn may_end(how: How, code: Option<i32>) -> bool {
    match how {
        How::KilledAtAMessage | How::KilledAtAnInstant | How::KilledInAWait => matches!(code, None | Some(0)),
        How::Terminated | How::TerminatedInAWait => matches!(code, Some(0 | 50 | 51)),
        _ => matches!(code, Some(0 | 40 | 44 | 45)),
    }
}

/// Runs again until it is done. Now and then a rerun is disturbed as well.
fn run_again(target: Target<'_>, dice: &mut Dice, measure: &Measure, context: &str) -> usize {
    for rerun in 1..=RERUNS_AT_MOST {
        let again = dice.one_in(4) && rerun < RERUNS_AT_MOST;
        let run: Run = if again {
            let disturbance = Disturbance::of(dice, false).alone();
            let run = disturbed(target, &disturbance, measure);
            assert!(may_end(disturbance.how, run.code), "{context}, then {disturbance:?}: {:?} {}", run.code, run.told);
            run
        } else {
            let (run, _) = undisturbed(target);
            assert_eq!(run.code, Some(0), "{context}: rerun {rerun} failed: {}", run.told);
            run
        };
        if run.code == Some(0) {
            return rerun;
        }
    }
    unreachable!("the last rerun is not disturbed, and succeeds or fails its assertion")
}

/// Time as it is told.
fn seconds(time: Duration) -> String {
    format!("{:.0} s", time.as_secs_f64())
}
