//! A network of two machines: the run in a network namespace of its own, a proxy outside, and a pair of virtual
//! interfaces between them that can lose packets without a word.
//!
//! Invariant: both interfaces and the namespace are gone when this value is.

use std::net::Ipv4Addr;
use std::path::PathBuf;
use std::process::Command;
use std::sync::atomic::{AtomicU16, Ordering};
use std::time::Duration;

use crate::background::Background;
use crate::proxy::{Fault, Proxy};
use crate::stage::{migrate_command, skipped_without};
use crate::story::Story;

pub(crate) struct Wire {
    pub(crate) proxy: Proxy,
    /// The namespace, and the names of the interfaces.
    name: String,
    peer: Ipv4Addr,
}

impl Wire {
    /// `None` after saying that the scene is skipped, where this process may not make a network.
    pub(crate) fn start(scene: &str, server_port: u16, faults: &[Fault]) -> Option<Self> {
        static NEXT: AtomicU16 = AtomicU16::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let name = format!("mg{}x{number}", std::process::id());
        let block = u8::try_from(number % 64).expect("below 64") * 4;
        // Of the network for tests between machines (RFC 2544); the process is in it, so that two runs do not meet.
        let third = u8::try_from(std::process::id() % 256).expect("below 256");
        let address = Ipv4Addr::new(198, 18, third, block + 1);
        let peer = Ipv4Addr::new(198, 18, third, block + 2);
        let made = make(&name, address, peer).map(|()| PathBuf::new());
        skipped_without(made, scene, "MIGRATE_REQUIRE_NAMESPACES", "the right to make a network namespace")?;
        let proxy = Proxy::listen((address, 0).into(), server_port, Duration::ZERO, faults);
        Some(Self { proxy, name, peer })
    }

    pub(crate) fn url(&self, database: &str) -> String {
        self.proxy.url(database)
    }

    /// A run in the namespace.
    pub(crate) fn start_run(&self, story: &Story, url: &str, arguments: &[&str]) -> Background {
        let program = migrate_command(&["up", "--database-url", url]);
        let mut command = Command::new("ip");
        command.args(["netns", "exec", &self.name]).arg(program.get_program()).args(program.get_args());
        command.args(arguments).arg("--dir").arg(story.dir()).stdin(std::process::Stdio::null());
        command.env_clear().env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin");
        Background::spawn(&mut command)
    }

    /// From now on every packet to the run is lost: it is sent to a card that nobody has.
    pub(crate) fn cut(&self) {
        let peer = self.peer.to_string();
        let lost = ["neigh", "replace", &peer, "lladdr", "02:00:00:00:00:01", "nud", "permanent", "dev", &self.name];
        assert!(ip(&lost), "the neighbour is replaced");
    }

    /// Packets arrive again.
    pub(crate) fn mend(&self) {
        let peer = self.peer.to_string();
        assert!(ip(&["neigh", "del", &peer, "dev", &self.name]), "the neighbour is forgotten");
    }
}

impl Drop for Wire {
    fn drop(&mut self) {
        let _gone = (ip(&["netns", "del", &self.name]), ip(&["link", "del", &self.name]));
    }
}

fn make(name: &str, address: Ipv4Addr, peer: Ipv4Addr) -> Option<()> {
    let far = format!("{name}p");
    let (near_address, far_address) = (format!("{address}/30"), format!("{peer}/30"));
    let steps: [&[&str]; 7] = [
        &["netns", "add", name],
        &["link", "add", name, "type", "veth", "peer", "name", &far],
        &["link", "set", &far, "netns", name],
        &["addr", "add", &near_address, "dev", name],
        &["link", "set", name, "up"],
        &["-n", name, "addr", "add", &far_address, "dev", &far],
        &["-n", name, "link", "set", &far, "up"],
    ];
    let made = steps.into_iter().all(ip);
    if !made {
        let _gone = (ip(&["netns", "del", name]), ip(&["link", "del", name]));
    }
    made.then_some(())
}

fn ip(arguments: &[&str]) -> bool {
    let quiet = std::process::Stdio::null;
    let status = Command::new("ip").args(arguments).stdout(quiet()).stderr(quiet()).status();
    status.is_ok_and(|status| status.success())
}
