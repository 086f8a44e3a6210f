//! Starts the product inside the test process, on a free port.

use super::LIGHTHOUSE;
use super::client::Client;
use actix_web::rt::System;
use satchel::config::Config;
use satchel::engine::decoder::{Architecture, write_tiny_model};
use satchel::http;
use satchel::service::{Caller, Service, UploadRequest};
use satchel::types::DocumentMetadata;
use std::net::{Ipv4Addr, TcpListener};
use std::path::Path;
use std::sync::mpsc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};
use tempfile::TempDir;
use tokio::sync::oneshot;

/// A server with a data folder of its own; both end with the value.
pub struct Server {
    base: String,
    admin_token: String,
    link: Option<String>,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
    folder: Option<TempDir>,
    config: Config,
    service: Option<Service>,
}

/// What tests of features run with: no limit on requests, no handbook to read first.
pub fn settings() -> Config {
    Config {
        rate_limit: 0,
        handbook: false,
        threads: 2,
        ..Config::default()
    }
}

/// The password of all users that tests make.
pub const PASSWORD: &str = "correct horse battery";

/// How long loading a model may take.
const LOADING: Duration = Duration::from_secs(30);

/// What a started server tells the test.
struct Started {
    base: String,
    admin_token: String,
    link: Option<String>,
    service: Service,
}

impl Server {
    /// A server with [`settings`].
    pub fn start() -> Self {
        Self::start_with(settings())
    }

    /// A server with other settings; the data folder is always a new one.
    pub fn start_with(config: Config) -> Self {
        let folder = tempfile::tempdir().unwrap();
        Self::over(folder, config)
    }

    /// A server over a data folder that holds something already.
    pub fn start_in(folder: TempDir, config: Config) -> Self {
        Self::over(folder, config)
    }

    /// A server with a loaded chat model of random weights, called `Tiny …`
    /// after its architecture, and with the lighthouse's document.
    pub fn with_model(architecture: Architecture) -> Self {
        Self::with_model_and(architecture, settings())
    }

    /// The same with other settings.
    pub fn with_model_and(architecture: Architecture, config: Config) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let models = folder.path().join("models");
        std::fs::create_dir(&models).unwrap();
        write_tiny_model(&models.join("tiny.gguf"), architecture, 7).unwrap();
        let server = Self::start_in(folder, config);
        server.admin().ingest("lighthouse.md", LIGHTHOUSE);
        server.wait_for_model();
        server
    }

    /// Waits until a chat model is loaded.
    pub fn wait_for_model(&self) {
        let began = Instant::now();
        while self.admin().get("/api/status").json()["chat_model"].is_null() {
            let status = self.admin().get("/api/status").json();
            assert!(began.elapsed() < LOADING, "{status}");
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    /// Stops and starts again over the same data.
    pub fn restart(mut self) -> Self {
        self.stop();
        let folder = self.folder.take().unwrap();
        Self::over(folder, self.config.clone())
    }

    /// The same with other settings.
    pub fn restart_with(mut self, change: impl FnOnce(Config) -> Config) -> Self {
        self.config = change(self.config.clone());
        self.restart()
    }

    fn over(folder: TempDir, config: Config) -> Self {
        let config = Config {
            data_dir: folder.path().to_owned(),
            ..config
        };
        let (told, hear) = mpsc::channel();
        let (stop, stopped) = oneshot::channel::<()>();
        let of_server = config.clone();
        let thread = std::thread::spawn(move || run(of_server, &told, stopped));
        let started = hear.recv().expect("the server starts");
        Self {
            base: started.base,
            admin_token: started.admin_token,
            link: started.link,
            stop: Some(stop),
            thread: Some(thread),
            folder: Some(folder),
            config,
            service: Some(started.service),
        }
    }

    /// Adds a document that people who have not signed in may ask, and waits
    /// until it can be found.
    pub fn publish(&self, filename: &str, text: &str) {
        let request = UploadRequest {
            filename: filename.to_owned(),
            dataset_id: None,
            metadata: DocumentMetadata::default(),
        };
        let caller = Caller::visitor();
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        runtime.block_on(async {
            let service = self.service.as_ref().unwrap();
            let mut upload = service.begin_upload(&caller, request).await.unwrap();
            upload.write(text.as_bytes()).await.unwrap();
            let id = upload.finish().await.unwrap().documents[0].id.clone();
            let began = Instant::now();
            loop {
                let (document, _) = service.page_summaries(&caller, &id).await.unwrap();
                if document.status.is_final() {
                    assert_eq!(document.status.as_str(), "ready");
                    return;
                }
                assert!(began.elapsed() < LOADING, "{document:?}");
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        });
    }

    /// The token of the one-time sign-in link, while there is one.
    pub fn link(&self) -> Option<&str> {
        self.link.as_deref()
    }

    /// What the server serves.
    pub fn service(&self) -> &Service {
        self.service.as_ref().unwrap()
    }

    /// Where the server keeps its data.
    pub fn data_dir(&self) -> &Path {
        &self.config.data_dir
    }

    /// Host and port.
    pub fn address(&self) -> &str {
        self.base.trim_start_matches("http://")
    }

    /// Writes down where it serves, so that commands on its data folder find it.
    pub fn publish_address(&self) {
        let service = self.service.as_ref().unwrap();
        service.publish(self.address().parse().unwrap()).unwrap();
    }

    /// A client that is the administrator.
    pub fn admin(&self) -> Client {
        Client::new(&self.base, Some(&self.admin_token))
    }

    /// The administrator's access token.
    pub fn admin_token(&self) -> &str {
        &self.admin_token
    }

    /// A client that is nobody.
    pub fn stranger(&self) -> Client {
        Client::new(&self.base, None)
    }

    /// A client that is a new user of the same tenant.
    pub fn user(&self, name: &str) -> Client {
        self.person("default", name, "user")
    }

    /// A client that is a new account of the same tenant.
    pub fn account(&self, name: &str, role: &str) -> Client {
        self.person("default", name, role)
    }

    /// A client that is a new user of a tenant.
    pub fn person(&self, tenant: &str, name: &str, role: &str) -> Client {
        let body = serde_json::json!({
            "username": name, "password": PASSWORD, "role": role, "tenant_id": tenant,
        });
        let made = self.admin().post("/api/users", &body);
        assert_eq!(made.status, 201, "{}", made.text);
        self.signed_in(name)
    }

    /// A client that a user has signed in with anew.
    pub fn signed_in(&self, name: &str) -> Client {
        self.bearer(&self.token_of(name))
    }

    /// An access token of a user, by signing in anew.
    pub fn token_of(&self, name: &str) -> String {
        let body = serde_json::json!({"username": name, "password": PASSWORD});
        let answer = self.stranger().post("/auth/login", &body);
        assert_eq!(answer.status, 200, "{}", answer.text);
        answer.json()["access_token"].as_str().unwrap().to_owned()
    }

    /// A client with this token.
    pub fn bearer(&self, token: &str) -> Client {
        Client::new(&self.base, Some(token))
    }

    /// Makes a tenant with an administrator `NAME-admin`, which the client is.
    pub fn tenant(&self, name: &str) -> Client {
        let body = serde_json::json!({"id": name, "name": name});
        let made = self.admin().post("/api/tenants", &body);
        assert_eq!(made.status, 201, "{}", made.text);
        self.person(name, &format!("{name}-admin"), "admin")
    }

    fn stop(&mut self) {
        // Whoever holds it holds the data folder.
        self.service = None;
        if let Some(stop) = self.stop.take() {
            // An error means that the server is gone already.
            let _ = stop.send(());
        }
        if let Some(thread) = self.thread.take() {
            thread.join().unwrap();
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            self.stop();
        }
    }
}

fn run(config: Config, told: &mpsc::Sender<Started>, stopped: oneshot::Receiver<()>) {
    System::new().block_on(async {
        let service = Service::open(config).await.unwrap();
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let started = Started {
            base: format!("http://{}", listener.local_addr().unwrap()),
            admin_token: service.access_token_for(None).await.unwrap(),
            link: service.sign_in_link().await.unwrap(),
            service: service.clone(),
        };
        told.send(started).unwrap();
        let shutdown = async {
            let _ = stopped.await;
        };
        http::serve(service.clone(), listener, shutdown)
            .await
            .unwrap();
        service.close().await;
    });
}
