//! `GET /admin/v1/organizations/{org_id}/usage/export`

use std::io;

use axum::body::{Body, Bytes};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::Response;
use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use uuid::Uuid;
use voxgate_domain::{KeyId, OrgId, Refuse as _, Timestamp, UserId};
use voxgate_services::usage::{EXPORT_PAGE, ExportQuery, RequestRow};
use voxgate_services::{Principal, Services};

use super::super::{OrganizationPath, TAG};
use super::lines::LineFormat;
use super::span;
use crate::endpoint::{Call, Endpoint};
use crate::extract::kinds::{defaulted, one_of, optional, uuid};
use crate::extract::{Nothing, Style, input};
use crate::native;
use crate::native::error::{invalid, refuse};
use crate::native::kinds::moment;
use crate::openapi::{Answer, Content, Description};
use crate::refused::Refused;
use crate::surface::Surface;

input! {
    /// Which records, and how.
    pub struct RecordsQuery as "AdminUsageExportQuery", Style::Text; {
        /// Comma-separated values, or one JSON object a line.
        format: &'static str = defaulted(one_of(&["csv", "jsonl"]), "csv"),
        /// Requests admitted from this moment or day on; left out for the beginning of the month.
        from: Option<Timestamp> = optional(moment()),
        /// Requests admitted before this moment or day; left out for now.
        until: Option<Timestamp> = optional(moment()),
        /// Only this account's. Plain users get their own in any case.
        user_id: Option<Uuid> = optional(uuid()),
        /// Only this key's.
        key_id: Option<Uuid> = optional(uuid()),
    }
}

/// Streams the usage records of an organisation.
#[derive(Debug)]
pub struct ExportUsage;

impl Endpoint for ExportUsage {
    type Path = OrganizationPath;
    type Query = RecordsQuery;
    type Body = Nothing;

    const SURFACE: Surface = Surface::Native;

    fn describe() -> Description {
        Description {
            summary: "The usage records of an organization",
            details: "Every request, oldest first, as CSV or JSON lines. Its administrators get all of them, others their own.",
            tag: TAG,
            answers: vec![
                Answer::empty(StatusCode::OK, "The records.")
                    .or(Content::Text("text/csv"))
                    .or(Content::Text("application/jsonl")),
                Answer::refusal(
                    StatusCode::NOT_FOUND,
                    "No such organization, or a foreign one.",
                ),
            ],
        }
    }

    async fn handle(call: Call<Self>) -> Result<Response, Refused> {
        let principal = call.principal()?.clone();
        let organization = call.path.id(&principal)?;
        let asked = call.query;
        let services = call.state.services.clone();
        let (from, until) = span(asked.from, asked.until, services.now())?;
        let format =
            LineFormat::parse(asked.format).ok_or_else(|| invalid("format", "use csv or jsonl"))?;
        let query = ExportQuery {
            from,
            until,
            user: asked.user_id.map(UserId::from),
            key: asked.key_id.map(KeyId::from),
            after: None,
            limit: EXPORT_PAGE,
        };
        let mut pages = Pages {
            services,
            principal,
            organization,
            query,
            done: false,
        };
        // The first page is read before anything is answered, so that refusals have their status.
        let first = pages.next().await.map_err(refuse)?;
        let head = format.head().map_err(|error| internal(&error))?;
        let rows = stream::once(async move { Ok(first) }).chain(stream::unfold(
            pages,
            |mut pages| async move {
                if pages.done {
                    return None;
                }
                Some((pages.next().await, pages))
            },
        ));
        // A failure later on breaks the connection off, which is how a client learns that the file is cut short.
        let body = rows
            .map_err(|error| {
                tracing::error!(error.code = error.code(), error.message = %error, "An export broke off");
                io::Error::other("the export broke off")
            })
            .and_then(move |rows| std::future::ready(format.lines(&rows).map(Bytes::from)));
        // Layers above may ask once more after the end, and a piece of nothing is no piece.
        let body = stream::once(async move { Ok(Bytes::from(head)) })
            .chain(body)
            .try_filter(|piece| std::future::ready(!piece.is_empty()))
            .fuse();
        let mut response = Response::new(Body::from_stream(body));
        let headers = response.headers_mut();
        headers.insert(
            header::CONTENT_TYPE,
            HeaderValue::from_static(format.content_type()),
        );
        let name = format!("attachment; filename=\"usage.{}\"", format.extension());
        if let Ok(name) = HeaderValue::from_str(&name) {
            headers.insert(header::CONTENT_DISPOSITION, name);
        }
        Ok(response)
    }
}

fn internal(error: &io::Error) -> Refused {
    tracing::error!(error.message = %error, "An export could not be written");
    native::error::internal()
}

/// The records of an export, page by page.
struct Pages {
    services: Services,
    principal: Principal,
    organization: OrgId,
    query: ExportQuery,
    done: bool,
}

impl Pages {
    /// The next page; the last one is shorter than the others, or empty.
    async fn next(&mut self) -> Result<Vec<RequestRow>, voxgate_services::usage::UsageError> {
        // Also after a failure nothing more is read.
        self.done = true;
        let rows = self
            .services
            .usage()
            .export_page(&self.principal, self.organization, self.query)
            .await?;
        if let Some(last) = rows.last() {
            self.query.after = Some((last.facts.created_at, last.facts.id));
        }
        self.done = rows.len() < EXPORT_PAGE as usize;
        Ok(rows)
    }
}
