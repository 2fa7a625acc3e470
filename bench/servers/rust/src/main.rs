// Lines echoed as tokio-util makes it: `LinesCodec`, whose lines are forwarded to where they came from. On one thread, as
// the other servers are.
use futures::StreamExt;
use tokio::io::AsyncReadExt;
use tokio::net::TcpListener;
use tokio_util::codec::{Framed, LinesCodec};

#[tokio::main(flavor = "current_thread")]
async fn main() -> std::io::Result<()> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    println!("{{\"port\":{}}}", listener.local_addr()?.port());
    tokio::spawn(async {
        let mut input = tokio::io::stdin();
        let mut order = [0; 64];
        while matches!(input.read(&mut order).await, Ok(size) if size > 0) {}
        std::process::exit(0);
    });
    loop {
        let (stream, _) = listener.accept().await?;
        stream.set_nodelay(true)?;
        tokio::spawn(async move {
            let (sink, lines) = Framed::new(stream, LinesCodec::new()).split();
            let _ = lines.forward(sink).await;
        });
    }
}
