//! Moving bytes between a client's stream and the database thread.

use bytes::BytesMut;
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, ReadHalf, WriteHalf};
use tokio::sync::Semaphore;
use tokio::sync::mpsc::UnboundedReceiver;

use std::sync::mpsc::Sender;

use super::wire::{Arrival, Line};

/// How much is read from a client at once.
const PIECE: usize = 64 * 1024;

/// Runs until the database thread hangs up or the client stops reading; then the client's stream
/// is closed.
pub(super) async fn run(stream: DuplexStream, mut line: Line) {
    let (reader, writer) = tokio::io::split(stream);
    let arrivals = line.arrivals.clone();
    let room = std::sync::Arc::clone(&line.room);
    // A client that has said everything may still wait for answers, so the end of its input does
    // not end the pump.
    let receive = async {
        receive(reader, &arrivals, &room).await;
        std::future::pending::<()>().await;
    };
    tokio::select! {
        () = receive => {}
        () = answer(writer, &mut line.answers) => {}
    }
}

async fn receive(mut reader: ReadHalf<DuplexStream>, arrivals: &Sender<Arrival>, room: &Semaphore) {
    loop {
        let Ok(permit) = room.acquire().await else {
            return;
        };
        // The database thread gives it back when it takes the piece.
        permit.forget();
        let mut piece = BytesMut::with_capacity(PIECE);
        let arrival = match reader.read_buf(&mut piece).await {
            Ok(count) if count > 0 => Arrival::Bytes(piece),
            _ => Arrival::End,
        };
        let ended = matches!(arrival, Arrival::End);
        if arrivals.send(arrival).is_err() || ended {
            return;
        }
    }
}

async fn answer(mut writer: WriteHalf<DuplexStream>, answers: &mut UnboundedReceiver<Vec<u8>>) {
    while let Some(answer) = answers.recv().await {
        if writer.write_all(&answer).await.is_err() {
            return;
        }
    }
    // Closing an in-memory stream cannot fail in a way the client could learn about.
    let _ = writer.shutdown().await;
}
