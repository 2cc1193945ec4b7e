//! `privet intercept --print`: the rules that lead an application's ports to Privet, for nftables or iptables. It prints and changes nothing:
//! the privilege to apply them is needed once, by whoever prepares the network, and never by Privet.

use std::{fmt::Write as _, process::ExitCode};

/// Name of the table (nftables) and of the chains (iptables): nothing else is touched.
const NAME: &str = "privet_intercept";

/// What `intercept` takes.
#[derive(Debug, clap::Args)]
pub struct InterceptArgs {
    /// Print the rules; nothing is changed by this command.
    #[arg(long, required = true)]
    print: bool,
    /// What the rules are written for: `nft` for `nft -f -`, `iptables` for `sh`.
    #[arg(long, value_enum, default_value_t = Table::Nft)]
    table: Table,
    /// Ports of the application, joined by commas; all of them, or the way around Privet stays open.
    #[arg(long, value_name = "PORT", value_delimiter = ',', required_unless_present = "remove", value_parser = port())]
    port: Vec<u16>,
    /// Where Privet serves TLS. It must listen on all addresses: `[::]:8443`, or `0.0.0.0:8443` where there is no IPv6.
    #[arg(long, value_name = "PORT", default_value_t = 8443, value_parser = port())]
    to: u16,
    /// The user that Privet runs as, whose own connections reach the application.
    #[arg(long, value_name = "UID", default_value_t = 65532)]
    uid: u32,
    /// Print what takes the rules away again.
    #[arg(long)]
    remove: bool,
}

/// Who reads the rules.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Table {
    /// A script for `nft -f -`: IPv4 and IPv6 in one table, applied as a whole or not at all.
    Nft,
    /// A script for `sh` that calls iptables-restore and ip6tables-restore: each family as a whole or not at all.
    Iptables,
}

fn port() -> clap::builder::RangedI64ValueParser<u16> {
    clap::value_parser!(u16).range(1..)
}

/// Prints; exit 0, or 2 where the ports contradict each other.
#[must_use]
pub fn run(args: &InterceptArgs) -> ExitCode {
    if args.port.contains(&args.to) {
        eprintln!(
            "privet intercept: port {0} can't lead to itself\n    hint: --port names the application's ports, --to Privet's",
            args.to
        );
        return ExitCode::from(2);
    }
    print!("{}", rules(args));
    ExitCode::SUCCESS
}

fn rules(args: &InterceptArgs) -> String {
    let mut ports = args.port.clone();
    ports.sort_unstable();
    ports.dedup();
    let ports: Vec<String> = ports.iter().map(u16::to_string).collect();
    match (args.table, args.remove) {
        (Table::Nft, false) => nft(&ports.join(", "), args.to, args.uid),
        (Table::Nft, true) => format!("# Takes the interception away; apply with `nft -f -`.\n{}", absent()),
        (Table::Iptables, false) => iptables(&ports, args.to, args.uid),
        (Table::Iptables, true) => iptables_absent(),
    }
}

/// Adding before deleting makes deleting succeed where there is no such table yet.
fn absent() -> String {
    format!("add table inet {NAME}\ndelete table inet {NAME}\n")
}

fn nft(ports: &str, to: u16, uid: u32) -> String {
    format!(
        "# Leads the application's ports to Privet, IPv4 and IPv6. Apply with `nft -f -`, as often as you like.\n\
         {}table inet {NAME} {{\n\
         \x20 # Who comes from outside. Loopback stays as it is.\n\
         \x20 chain arriving {{\n\
         \x20   type nat hook prerouting priority dstnat; policy accept;\n\
         \x20   iif != \"lo\" tcp dport {{ {ports} }} redirect to :{to}\n\
         \x20 }}\n\
         \x20 # Who is inside and asks an address of this machine that is not loopback; Privet itself may.\n\
         \x20 chain leaving {{\n\
         \x20   type nat hook output priority -100; policy accept;\n\
         \x20   ip daddr 127.0.0.0/8 accept\n\
         \x20   ip6 daddr ::1 accept\n\
         \x20   meta skuid {uid} accept\n\
         \x20   fib daddr type local tcp dport {{ {ports} }} redirect to :{to}\n\
         \x20 }}\n\
         }}\n",
        absent()
    )
}

/// A script for both families. Each is changed by one commit of `iptables-restore`: the old rules hold until the new ones do, and still hold where
/// a line is refused. The commit makes or empties our chains, and leaves all others as they are.
fn iptables(ports: &[String], to: u16, uid: u32) -> String {
    let [(arriving, _), (leaving, _)] = chains();
    let mut out = format!(
        "#!/bin/sh\n# Leads the application's ports to Privet, IPv4 and IPv6. Apply with `sh`, as root, as often as you like.\nset -eu\n\
         # Prints what leads HOOK to CHAIN, where nothing does.\n\
         jump() {{ \"$tables\" -w -t nat -C \"$1\" -j \"$2\" 2>/dev/null || echo \"-I $1 1 -j $2\"; }}\n\
         for tables in iptables ip6tables; do\n\
         \x20 \"$tables-restore\" -w --noflush <<END\n\
         *nat\n\
         :{arriving} - [0:0]\n\
         :{leaving} - [0:0]\n\
         -4 -A {leaving} -d 127.0.0.0/8 -j RETURN\n\
         -6 -A {leaving} -d ::1/128 -j RETURN\n\
         -A {leaving} -m owner --uid-owner {uid} -j RETURN\n"
    );
    for port in ports {
        let _ = write!(
            out,
            "-A {arriving} ! -i lo -p tcp --dport {port} -j REDIRECT --to-ports {to}\n\
             -A {leaving} -m addrtype --dst-type LOCAL -p tcp --dport {port} -j REDIRECT --to-ports {to}\n"
        );
    }
    for (chain, hook) in chains() {
        let _ = writeln!(out, "$(jump {hook} {chain})");
    }
    out + "COMMIT\nEND\ndone\n"
}

/// A script that opens the ways around again, hooks first.
fn iptables_absent() -> String {
    let mut out = "#!/bin/sh\n# Takes the interception away, IPv4 and IPv6. Apply with `sh`, as root, as often as you like.\nset -eu\n\
                   for tables in iptables ip6tables; do\n\
                   \x20 run() { \"$tables\" -w -t nat \"$@\"; }\n"
        .to_owned();
    for (chain, hook) in chains() {
        let _ = write!(
            out,
            "  while run -C {hook} -j {chain} 2>/dev/null; do run -D {hook} -j {chain}; done\n\
             \x20 if run -n -L {chain} >/dev/null 2>&1; then run -F {chain}; run -X {chain}; fi\n"
        );
    }
    out + "done\n"
}

/// The chains and the hooks that lead to them.
fn chains() -> [(String, &'static str); 2] {
    [(format!("{NAME}_in"), "PREROUTING"), (format!("{NAME}_out"), "OUTPUT")]
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Debug, Parser)]
    struct Line {
        #[command(flatten)]
        args: InterceptArgs,
    }

    fn printed(line: &str) -> String {
        rules(&Line::parse_from(line.split(' ')).args)
    }

    #[test]
    fn ports_stand_once_and_in_order() {
        let text = printed("x --print --port 9001,9000,9001 --to 8443 --uid 7");
        assert!(text.contains("iif != \"lo\" tcp dport { 9000, 9001 } redirect to :8443"), "{text}");
        assert!(text.contains("meta skuid 7 accept"), "{text}");
    }

    #[test]
    fn what_makes_no_sense_is_refused() {
        for line in
            ["x --port 9000", "x --print", "x --print --port 0", "x --print --port 70000", "x --print --port 1 --to 0"]
        {
            assert!(Line::try_parse_from(line.split(' ')).is_err(), "{line}");
        }
        let same = Line::parse_from("x --print --port 8443".split(' '));
        assert_eq!(run(&same.args), ExitCode::from(2));
    }

    /// What is not between `*nat` and `COMMIT` would be applied by itself, and leave a way around meanwhile.
    #[test]
    fn iptables_gets_all_rules_in_one_commit() {
        let text = printed("x --print --port 9000,9001 --table iptables");
        let (before, rest) = text.split_once("*nat\n").expect("a table");
        let (rules, after) = rest.split_once("COMMIT\n").expect("a commit");
        assert_eq!(rules.matches("REDIRECT --to-ports 8443").count(), 4, "{text}");
        assert_eq!(after, "END\ndone\n");
        assert!(!before.contains(" -A ") && !text.contains(" -F "), "{text}");
    }

    #[test]
    fn removing_needs_no_ports_and_adds_nothing() {
        assert!(!printed("x --print --remove").contains("redirect"));
        assert!(!printed("x --print --remove --table iptables").contains("-A "));
    }
}
