//! `satchel serve`: opens the product, listens, says where to go, and ends
//! cleanly when asked to, or starts anew on the same address.

use super::watch::FolderKeeper;
use crate::config::Config;
use crate::error::{ErrorKind as FaultKind, Kind};
use crate::http;
use crate::service::Service;
use anyhow::{Context, Result, anyhow};
use std::cell::Cell;
use std::io::{ErrorKind, Write};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener};
use std::process::ExitCode;
use std::time::{Duration, Instant};

/// How long a new start waits for the last of the old one to let go.
const LETTING_GO: Duration = Duration::from_secs(15);

pub(super) fn run(config: Config) -> Result<ExitCode> {
    actix_web::rt::System::new().block_on(serve(config))?;
    Ok(ExitCode::SUCCESS)
}

async fn serve(config: Config) -> Result<()> {
    let listener = listen(config.listen)?;
    let address = listener.local_addr().context("the address is not known")?;
    let service = Service::open(config.clone())
        .await
        .map_err(|error| anyhow!("{error}"))?;
    service.publish(address)?;
    print_welcome(&service, address).await?;
    let mut next = Some(service);
    while let Some(service) = next.take() {
        // Who connects during a new start waits in the listener's queue.
        let listener = listener.try_clone().context("the address was lost")?;
        if serve_until_told(service, listener).await? {
            let service = open_again(&config).await?;
            service.publish(address)?;
            next = Some(service);
        }
    }
    Ok(())
}

/// Serves until a signal ends it, or somebody asks for a new start: then true.
async fn serve_until_told(service: Service, listener: TcpListener) -> Result<bool> {
    let anew = Cell::new(false);
    let address = listener.local_addr().context("the address is not known")?;
    let mut folders = FolderKeeper::start(service.clone(), address);
    let shutdown = async {
        tokio::select! {
            () = service.restart_wanted() => {
                tracing::info!("starting anew");
                anew.set(true);
            }
            () = stop_signal() => {
                eprintln!("satchel: stopping; once more to stop at once");
                // The second signal does not wait for anything.
                tokio::spawn(async {
                    stop_signal().await;
                    std::process::exit(130);
                });
            }
        }
        folders.end().await;
    };
    http::serve(service.clone(), listener, shutdown).await?;
    folders.let_go().await;
    service.close().await;
    Ok(anew.get())
}

/// Opens the data folder again, which the last work of before may still hold.
async fn open_again(config: &Config) -> Result<Service> {
    let since = Instant::now();
    loop {
        match Service::open(config.clone()).await {
            Err(error) if error.kind() == FaultKind::Conflict && since.elapsed() < LETTING_GO => {
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
            opened => return opened.map_err(|error| anyhow!("{error}")),
        }
    }
}

pub(super) fn listen(address: SocketAddr) -> Result<TcpListener> {
    TcpListener::bind(address).map_err(|error| match error.kind() {
        ErrorKind::AddrInUse => anyhow!(
            "{address} is in use by another program; choose another port with --listen {}:{}",
            address.ip(),
            address.port().saturating_add(1)
        ),
        ErrorKind::PermissionDenied => anyhow!(
            "listening on {address} is not allowed; choose a port from 1024 on with --listen"
        ),
        ErrorKind::AddrNotAvailable => {
            anyhow!("{} is not an address of this machine", address.ip())
        }
        _ => anyhow!("cannot listen on {address}: {error}"),
    })
}

async fn print_welcome(service: &Service, address: SocketAddr) -> Result<()> {
    let base = format!("http://{}", reachable(address));
    let config = service.config();
    let mut text = format!("satchel {} is ready.\n\n", env!("CARGO_PKG_VERSION"));
    text += &match service.sign_in_link().await? {
        _ if !config.ui => format!("  API    {base}\n"),
        Some(link) => format!(
            "  Open   {base}/#/welcome?link={link}\n         \
             (this link signs you in until you have set a password)\n"
        ),
        None => format!("  Open   {base}/\n"),
    };
    text += &format!("  Data   {}\n", config.data_dir.display());
    text += &match service.installed_models()?.first() {
        Some(file) => format!("  Model  {} (loading)\n", file.display()),
        None => format!(
            "  Model  none: answers are quotes. Put a GGUF file into {} to have them written.\n",
            config.models().display()
        ),
    };
    text += "  Stop   Ctrl-C\n\n";
    // Whoever started it may have closed the pipe: serving goes on.
    let _ = std::io::stdout().write_all(text.as_bytes());
    Ok(())
}

/// An address that a browser on this machine can open.
fn reachable(address: SocketAddr) -> SocketAddr {
    let ip = match address.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        ip => ip,
    };
    SocketAddr::new(ip, address.port())
}

/// Comes when somebody wants this process to end.
#[cfg(unix)]
pub(super) async fn stop_signal() {
    use tokio::signal::unix::{SignalKind, signal};
    let Ok(mut terminate) = signal(SignalKind::terminate()) else {
        return interrupt().await;
    };
    tokio::select! {
        _ = terminate.recv() => {}
        () = interrupt() => {}
    }
}

/// Comes when somebody wants this process to end.
#[cfg(not(unix))]
pub(super) async fn stop_signal() {
    interrupt().await;
}

async fn interrupt() {
    if tokio::signal::ctrl_c().await.is_err() {
        // Without a way to hear of it there is nothing to wait for.
        std::future::pending::<()>().await;
    }
}

#[cfg(test)]
mod tests {
    use super::reachable;

    #[test]
    fn printed_address_can_be_opened() {
        let shown = |address: &str| reachable(address.parse().unwrap()).to_string();
        assert_eq!(shown("0.0.0.0:80"), "127.0.0.1:80");
        assert_eq!(shown("[::]:80"), "[::1]:80");
        assert_eq!(shown("10.0.0.7:8080"), "10.0.0.7:8080");
    }
}
