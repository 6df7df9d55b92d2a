//! The audit file.

use std::convert::Infallible;

use axum::{
    body::{Body as ResponseBody, Bytes},
    extract::State,
    http::header,
    response::{IntoResponse, Response},
};
use blockvote_core::{audit::archive::ArchiveWriter, chain::header::Height};
use futures_util::stream;
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::http::{App, error::ApiError};

/// Blocks taken from the node at a time while exporting.
const EXPORT_BATCH: u32 = 64;

pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(export))
}

/// The audit file: definition, roll, signed statements and the whole chain, for `blockvote verify`.
#[utoipa::path(get, path = "/export", tag = "v1",
    responses((status = 200, description = "A chain file", body = Vec<u8>, content_type = "application/octet-stream")))]
async fn export(State(app): State<App>) -> Result<Response, ApiError> {
    let (context, tip, statements) = app
        .handle
        .call(|node, _| {
            let statements: Vec<_> = node.statements().all().collect();
            (node.chain().context().clone(), node.chain().tip().hash(), statements)
        })
        .await?;
    let (mut writer, mut head) = ArchiveWriter::new(&context);
    for statement in &statements {
        head.extend(writer.statement(statement));
    }
    let name = format!("attachment; filename=\"{}.blockvote\"", &context.id().to_string()[..8]);
    // A batch of blocks at a time. If the chain has a reorganisation meanwhile, the stream ends
    // early; a file without its end is recognised as incomplete.
    let begin = (Some((writer, Bytes::from(head))), Height(2), app);
    let pieces = stream::unfold(begin, move |(state, from, app)| async move {
        let (mut writer, ready) = state?;
        if !ready.is_empty() {
            return Some((Ok(ready), (Some((writer, Bytes::new())), from, app)));
        }
        let batch = app.handle.call(move |node, _| {
            let chain = node.chain();
            let last = chain.block(&tip).filter(|block| chain.is_main(block))?.header().height.0;
            let heights = from.0..=last.min(from.0.saturating_add(EXPORT_BATCH - 1));
            Some(heights.filter_map(|h| chain.block_at(Height(h)).cloned()).collect::<Vec<_>>())
        });
        match batch.await {
            Ok(Some(blocks)) if blocks.is_empty() => {
                let end = Bytes::from(writer.finish());
                Some((Ok(end), (None, from, app)))
            }
            Ok(Some(blocks)) => {
                let next = Height(from.0 + u32::try_from(blocks.len()).unwrap_or(0));
                let mut bytes = Vec::new();
                for block in blocks {
                    bytes.extend(writer.block(&block.to_block()));
                }
                Some((Ok(Bytes::from(bytes)), (Some((writer, Bytes::new())), next, app)))
            }
            _ => None,
        }
    });
    let body = ResponseBody::from_stream(futures_util::StreamExt::map(
        pieces,
        |piece: Result<Bytes, Infallible>| piece,
    ));
    let fields = [
        (header::CONTENT_TYPE, "application/octet-stream".to_owned()),
        (header::CONTENT_DISPOSITION, name),
    ];
    Ok((fields, body).into_response())
}
