//! Keys, plans, prices, credits, usage and the audit log on the command line.

use clap::{Args, Subcommand};

/// Every limit that can be set.
pub(crate) const LIMITS_HELP: &str = "Kinds of limits:\n  requests_per_minute, tokens_per_minute, concurrent_streams,\n  generation_per_10_seconds, read_per_10_seconds, upload_per_minute, delete_per_minute,\n  tokens_per_day, words_per_day, words_per_month, characters_per_month, audio_seconds_per_month";

/// How to make a key.
const CREATE_HELP: &str = "Examples:\n  voxgate keys create laptop --user ana@example.com\n  voxgate keys create kiosk --user ana@example.com --service tts --voice af_heart \\\n      --network 203.0.113.0/24 --limit requests_per_minute=30 --budget 5 --expires 90d";

#[derive(Debug, Subcommand)]
pub(crate) enum Keys {
    /// The keys of an organisation
    List {
        /// Organisation id
        #[arg(long, value_name = "ID")]
        org: String,
    },
    /// One key: what it may do, how much, until when
    Show {
        /// Key id
        id: String,
    },
    /// Make a key; its secret is shown once
    #[command(
        long_about = "Make a key; its secret is shown once. Without options it may use everything but administration, as far as its account may.",
        after_help = CREATE_HELP
    )]
    Create {
        /// What to call it
        name: String,
        /// The account it acts as
        #[arg(long, value_name = "EMAIL")]
        user: String,
        #[command(flatten)]
        rights: KeyArgs,
    },
    /// Change a key; what is not named stays
    #[command(
        long_about = "Change a key; what is not named stays, what is named is replaced as a whole. `all` stands for all voices or models, `anywhere` for no network, `none` for no tier, no budget, no end and no limits."
    )]
    Set {
        /// Key id
        id: String,
        /// New name
        #[arg(long)]
        name: Option<String>,
        #[command(flatten)]
        rights: KeyArgs,
    },
    /// Give a key a new secret, shown once
    Rotate {
        /// Key id
        id: String,
        /// How long the old secret goes on working: 30s, 10m, 24h, 7d; at most 30d
        #[arg(long, value_name = "TIME", default_value = "0s")]
        overlap: String,
    },
    /// Revoke a key at once
    Revoke {
        /// Key id
        id: String,
    },
}

/// What a key may do, how much, until when.
#[derive(Debug, Args, Default)]
pub(crate) struct KeyArgs {
    /// Service it may use: tts, stt, llm, media, agents, admin; several by commas or by repeating
    #[arg(long, value_name = "SERVICE", value_delimiter = ',')]
    pub(crate) service: Vec<String>,
    /// Voice it may use; several by commas or by repeating, `all` for all
    #[arg(long, value_name = "VOICE", value_delimiter = ',')]
    pub(crate) voice: Vec<String>,
    /// Model it may use, likewise
    #[arg(long, value_name = "MODEL", value_delimiter = ',')]
    pub(crate) model: Vec<String>,
    /// Address or network it may be used from, likewise; `anywhere` for no restriction
    #[arg(long, value_name = "NETWORK", value_delimiter = ',')]
    pub(crate) network: Vec<String>,
    /// Plan whose limits are the key's where it has no own: id or name
    #[arg(long, value_name = "PLAN")]
    pub(crate) tier: Option<String>,
    /// Own limit, as in requests_per_minute=30; `voxgate orgs set-limit --help` lists the kinds
    #[arg(long, value_name = "KIND=VALUE", value_delimiter = ',')]
    pub(crate) limit: Vec<String>,
    /// The most credits it may ever commit, as in 12.50
    #[arg(long, value_name = "CREDITS")]
    pub(crate) budget: Option<String>,
    /// When it ends: a day, a moment, or a time from now as in 90d
    #[arg(long, value_name = "WHEN")]
    pub(crate) expires: Option<String>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Plans {
    /// All plans
    List,
    /// One plan
    Show {
        /// Id or name
        plan: String,
    },
    /// Make a plan
    #[command(
        after_help = "Example:\n  voxgate plans create free --limit requests_per_minute=10 --limit words_per_day=5000"
    )]
    Create {
        /// Its name
        name: String,
        /// Limit, as in words_per_day=5000; what is not named is not limited
        #[arg(long, value_name = "KIND=VALUE", value_delimiter = ',')]
        limit: Vec<String>,
    },
    /// Change a plan
    Set {
        /// Id or name
        plan: String,
        /// New name
        #[arg(long)]
        name: Option<String>,
        /// Replaces its limits as a whole; `none` for no limits
        #[arg(long, value_name = "KIND=VALUE", value_delimiter = ',')]
        limit: Vec<String>,
    },
    /// Remove a plan that nobody has
    Rm {
        /// Id or name
        plan: String,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum Prices {
    /// The general prices, or those of a plan
    Get {
        /// Id or name of the plan
        #[arg(long)]
        plan: Option<String>,
    },
    /// Replace the general prices, or those of a plan
    #[command(
        long_about = "Replace the general prices, or those of a plan, by those of a JSON file: a list of lines with service, model (null for all without lines of their own), unit (request, character, word, token_in, token_out, audio_second_in, audio_second_out) and micros (millionths of a credit per unit). A plan with prices of its own pays those and none of the general ones; an empty list takes them away.",
        after_help = "Examples:\n  echo '[{\"service\":\"tts\",\"model\":null,\"unit\":\"character\",\"micros\":15}]' | voxgate prices set -\n  voxgate prices get --json > prices.json && voxgate prices set prices.json --plan pro"
    )]
    Set {
        /// The file, or - for standard input
        file: String,
        /// Id or name of the plan
        #[arg(long)]
        plan: Option<String>,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum Credits {
    /// What an organisation can spend, and what is on hold
    Balance {
        /// Organisation id
        org: String,
    },
    /// Give credits
    Grant(ChangeArgs),
    /// Book credits that were paid for
    Purchase(ChangeArgs),
    /// Correct the balance, up or down
    Adjust(ChangeArgs),
    /// Give back what a request cost, or a part of it
    Refund {
        /// The request, as its usage record names it
        #[arg(long, value_name = "ID")]
        request: String,
        #[command(flatten)]
        change: ChangeArgs,
    },
    /// Every movement of credits, newest first
    Statement {
        /// Organisation id
        org: String,
        /// How many
        #[arg(long, default_value_t = 50)]
        limit: u64,
    },
}

/// A change of credits.
#[derive(Debug, Args)]
pub(crate) struct ChangeArgs {
    /// Organisation id
    pub(crate) org: String,
    /// How many credits, as in 12.50
    #[arg(allow_negative_numbers = true)]
    pub(crate) amount: String,
    /// A note for the statement
    #[arg(long, default_value = "")]
    pub(crate) memo: String,
    /// Id of the transfer: repeating the command with the same one changes nothing [default: a new one]
    #[arg(long, value_name = "UUID")]
    pub(crate) id: Option<String>,
}

#[derive(Debug, Args)]
pub(crate) struct Usage {
    #[command(subcommand)]
    pub(crate) command: Option<UsageCommand>,
    /// One organisation, by day
    #[arg(long, value_name = "ID")]
    pub(crate) org: Option<String>,
    /// First day, as 2026-11-01 [default: first of this month]
    #[arg(long, value_name = "DATE")]
    pub(crate) from: Option<String>,
    /// Last day [default: today]
    #[arg(long, value_name = "DATE")]
    pub(crate) to: Option<String>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum UsageCommand {
    /// Sums of an organisation
    Report {
        /// Organisation id
        org: String,
        /// day, hour, key, user, voice, model, service or dialect
        #[arg(long, value_name = "GROUP", default_value = "day")]
        by: String,
        #[command(flatten)]
        span: SpanArgs,
    },
    /// Every request of an organisation on standard output, oldest first
    Export {
        /// Organisation id
        org: String,
        /// csv or jsonl
        #[arg(long, default_value = "csv")]
        format: String,
        #[command(flatten)]
        span: SpanArgs,
    },
}

/// Which requests.
#[derive(Debug, Args)]
pub(crate) struct SpanArgs {
    /// From this day or moment on [default: first of this month]
    #[arg(long, value_name = "WHEN")]
    pub(crate) from: Option<String>,
    /// Before this day or moment [default: now]
    #[arg(long, value_name = "WHEN")]
    pub(crate) until: Option<String>,
    /// Only this account's
    #[arg(long, value_name = "EMAIL")]
    pub(crate) user: Option<String>,
    /// Only this key's
    #[arg(long, value_name = "ID")]
    pub(crate) key: Option<String>,
}

#[derive(Debug, Args)]
pub(crate) struct Audit {
    /// Only of this organisation
    #[arg(long, value_name = "ID")]
    pub(crate) org: Option<String>,
    /// Only this action, as in key.create
    #[arg(long)]
    pub(crate) action: Option<String>,
    /// Only what was done to this thing, by its id
    #[arg(long, value_name = "ID")]
    pub(crate) target: Option<String>,
    /// Only what this account did
    #[arg(long, value_name = "EMAIL")]
    pub(crate) user: Option<String>,
    /// Only what was done with this key
    #[arg(long, value_name = "ID")]
    pub(crate) key: Option<String>,
    /// How many
    #[arg(long, default_value_t = 50)]
    pub(crate) limit: u64,
}
