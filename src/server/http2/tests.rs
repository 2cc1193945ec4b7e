use std::{cell::RefCell, rc::Rc, time::Duration};

use http::Request;
use http_body_util::BodyExt as _;
use tokio::task::{LocalSet, spawn_local};

use super::*;
use crate::{common::watch::Watches, gateway::incoming};

type Service = Rc<dyn Fn(Request<Incoming>) -> Pin<Box<dyn Future<Output = Response<Body>>>>>;

/// Longest time that a client may leave an answer unread.
const STALL: Duration = Duration::from_millis(50);

/// A client of a connection whose requests go to `service`.
async fn connect(service: Service) -> h2::client::SendRequest<Bytes> {
    connect_with(service, &h2::client::Builder::new()).await
}

async fn connect_with(service: Service, client: &h2::client::Builder) -> h2::client::SendRequest<Bytes> {
    let (theirs, ours) = tokio::io::duplex(1 << 20);
    spawn_local(async move {
        let mut connection = Connection::new(ours, Limits { streams: 9, header_bytes: 4096 });
        let watches = Watches::new();
        let ticking = Rc::clone(&watches);
        spawn_local(ticking.run());
        while let Some(asked) = poll_fn(|cx| connection.poll_request(cx)).await {
            let (watch, service) = (watches.watch(), Rc::clone(&service));
            spawn_local(async move {
                asked.answer(&watch, STALL.into(), |parts, body| service(Request::from_parts(*parts, body))).await;
            });
        }
    });
    let (client, frames) = client.handshake(theirs).await.expect("a connection");
    spawn_local(frames);
    client.ready().await.expect("room")
}

fn asking(method: Method) -> Request<()> {
    Request::builder().method(method).uri("https://x/").body(()).expect("a request")
}

#[tokio::test]
async fn an_upload_that_is_cancelled_is_not_whole() {
    let read = async {
        let seen = Rc::new(RefCell::new(None));
        let keep = Rc::clone(&seen);
        let mut client = connect(Rc::new(move |request| {
            let keep = Rc::clone(&keep);
            // Somebody else reads on when the request itself is given up.
            spawn_local(async move {
                let body: Result<_, incoming::Error> = request.into_body().collect().await;
                keep.replace(Some(body.map(http_body_util::Collected::to_bytes)));
            });
            Box::pin(std::future::pending())
        }))
        .await;
        let (_answer, mut out) = client.send_request(asking(Method::POST), false).expect("a stream");
        out.send_data(Bytes::from_static(b"half"), false).expect("a stream");
        tokio::task::yield_now().await;
        out.send_reset(Reason::CANCEL);
        while seen.borrow().is_none() {
            tokio::task::yield_now().await;
        }
        assert!(seen.take().is_some_and(|read| read.is_err()));
    };
    LocalSet::new().run_until(read).await;
}

#[tokio::test]
async fn answers_have_a_date_and_a_length_and_keep_to_their_window() {
    let talk = async {
        const SIZE: usize = 1 << 20;
        let mut client = connect(Rc::new(|request| {
            let method = request.method().clone();
            Box::pin(async move {
                Response::new(if method == Method::HEAD { Body::empty() } else { Body::full(vec![7; SIZE]) })
            })
        }))
        .await;
        let (answer, _) = client.send_request(asking(Method::HEAD), true).expect("a stream");
        let answer = answer.await.expect("an answer");
        assert!(answer.headers().contains_key("date") && !answer.headers().contains_key("content-length"));
        assert!(answer.into_body().is_end_stream());
        let (answer, _) = client.send_request(asking(Method::GET), true).expect("a stream");
        let mut answer = answer.await.expect("an answer");
        assert_eq!(answer.headers()["content-length"], SIZE.to_string());
        let mut read = 0;
        while let Some(data) = answer.body_mut().data().await {
            let size = data.expect("all of it").len();
            // The window is smaller than the answer: it comes only as far as it is given back.
            answer.body_mut().flow_control().release_capacity(size).expect("a window");
            read += size;
        }
        assert_eq!(read, SIZE);
    };
    LocalSet::new().run_until(talk).await;
}

#[tokio::test]
async fn an_answer_whose_window_stays_shut_is_given_up() {
    let talk = async {
        let service: Service = Rc::new(|_| Box::pin(async { Response::new(Body::full("unread")) }));
        let mut client = connect_with(service, h2::client::Builder::new().initial_window_size(0)).await;
        let (answer, _) = client.send_request(asking(Method::GET), true).expect("a stream");
        let mut answer = answer.await.expect("an answer");
        let cut = answer.body_mut().data().await.expect("news").expect_err("no window");
        assert_eq!(cut.reason(), Some(Reason::CANCEL));
    };
    LocalSet::new().run_until(talk).await;
}

#[test]
fn what_the_application_said_of_a_break_is_passed_on() {
    let said = Broken::Client(incoming::Error::Http2(Reason::ENHANCE_YOUR_CALM.into()));
    assert_eq!(reason(&said), Reason::ENHANCE_YOUR_CALM);
    assert_eq!(
        reason(&Broken::Client(incoming::Error::Http1(std::io::ErrorKind::Other.into()))),
        Reason::INTERNAL_ERROR
    );
}
