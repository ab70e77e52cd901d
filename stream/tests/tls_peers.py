#!/usr/bin/env python3
"""tls_peers.py - TLS with real peers over loopback: openssl s_client and s_server, and Python's ssl, in both roles. Speaks TAP.

Run it from the root, after make build/release/stream/tests/tls_peers. Nothing sleeps: each step waits for a line, a byte or an end,
and a test that waits for too long fails. The trap it exists for: two ends that were written by the same hand agree on the same
mistakes."""
import os, random, signal, smtplib, socket, sys, tempfile

from tls_peers_world import *

DATA = random.Random(4).randbytes(1 << 20)
tests = []


def test(fn):
    tests.append(fn)
    return fn


# ---- our server ----------------------------------------


@test
def s_client_and_our_server_exchange_a_mebibyte_and_say_goodbye():
    with Server("alpn=h2,http/1.1") as s, s_client(s.port, "-servername", TOWN, "-verify_hostname", TOWN, "-alpn", "http/1.1") as c:
        told(s.line("hello"), "TLSv1.3", "alpn=http/1.1", f"name={TOWN}", "peer=-", "resumed=0")
        echo_through(c.process.stdin, lambda n: after_verify(c, n), DATA)
        c.process.stdin.close()
        told(s.line("end"), "orderly")


@test
def s_client_that_is_killed_is_told_from_one_that_says_goodbye():
    with Server() as s, s_client(s.port, "-servername", TOWN) as c:
        c.process.stdin.write(b"x")
        after_verify(c, 1)                  # all was read: else its end would be a reset
        c.process.kill()
        told(s.line("end"), "cut off")


@test
def s_client_gets_the_certificate_of_the_name_it_asks_for():
    with Server("sni=other.example:other.pem") as s:
        for name in ("other.example", TOWN):
            with s_client(s.port, "-servername", name, "-verify_hostname", name) as c:
                told(s.line("hello"), f"name={name}")
                c.process.stdin.close()
                told(s.line("end"), "orderly")


@test
def s_client_shows_its_certificate_where_it_must():
    with Server("ca=ca.pem", "trust=always") as s:
        with s_client(s.port, "-cert", "ann.pem") as c:
            told(s.line("hello"), "peer=CN=ann")
            c.process.stdin.close()
            told(s.line("end"), "orderly")
        with s_client(s.port):
            told(s.line("warning"), "was turned away", "shown no certificate")


@test
def s_client_resumes_its_session():
    with Server() as s:
        for arguments, resumed in ((("-sess_out", "session"), 0), (("-sess_in", "session"), 1)):
            with s_client(s.port, "-servername", TOWN, *arguments) as c:
                told(s.line("hello"), f"resumed={resumed}")
                c.process.stdin.write(b"x")
                if not resumed:
                    after_verify(c, 0)
                assert c.exactly(1) == b"x"
                c.process.stdin.close()
                told(s.line("end"), "orderly")


@test
def s_client_resumes_again_and_again_with_tls_1_2():
    with Server() as s, s_client(s.port, "-servername", TOWN, "-tls1_2", "-reconnect"):
        for i in range(6):
            told(s.line("hello"), "TLSv1.2", f"resumed={int(i > 0)}")


@test
def s_client_with_an_old_version_is_turned_away():
    with Server("lowest=13") as s, s_client(s.port, "-tls1_2"):
        told(s.line("warning"), "was turned away", "no version of TLS in common")


@test
def python_and_our_server_exchange_a_mebibyte_and_say_goodbye():
    context = client_context("ann")
    context.set_alpn_protocols(["h2", "spdy"])
    with Server("alpn=h2,http/1.1", "ca=ca.pem", "trust=always") as s, python_client(s.port, context) as c:
        told(s.line("hello"), "alpn=h2", f"name={TOWN}", "peer=CN=ann")
        assert c.selected_alpn_protocol() == "h2"
        echo_through(c.makefile("wb"), lambda n: receive(c, n), DATA)
        c.unwrap().close()
        told(s.line("end"), "orderly")


@test
def python_that_only_closes_its_socket_has_cut_us_off():
    with Server() as s, python_client(s.port, client_context()) as c:
        c.sendall(b"x")
        assert receive(c, 1) == b"x"        # all was read: else its end would be a reset
        socket.socket(fileno=c.detach()).close()
        told(s.line("end"), "cut off")


@test
def python_resumes_its_session():
    context = client_context()
    with Server() as s:
        session = None
        for resumed in (False, True):
            with python_client(s.port, context, session=session) as c:
                c.sendall(b"x")
                assert receive(c, 1) == b"x"
                session = c.session
                assert c.session_reused == resumed
                told(s.line("hello"), f"resumed={int(resumed)}")
                c.unwrap().close()


@test
def python_does_not_believe_our_wrong_certificates():
    for certificate, why in (("other", "Hostname mismatch"), ("expired", "expired"), ("self", "self-signed")):
        with Server(certificate=certificate) as s:
            try:
                python_client(s.port, client_context()).close()
                raise AssertionError("it was believed")
            except ssl.SSLCertVerificationError as e:
                told(str(e), why)
            told(s.line("warning"), "was turned away", "our certificate" if certificate != "other" else ": ")


@test
def plain_http_on_a_tls_port_is_one_line_and_a_quick_close_83():
    with Server() as s:
        with socket.create_connection(("127.0.0.1", s.port), PATIENCE) as c:
            c.sendall(b"GET /hello HTTP/1.0\r\n\r\n")
            try:
                assert b"HTTP" not in c.recv(65536)
            except ConnectionResetError:
                pass
        said = s.stop()
        told(said, "was turned away", "speaks plain HTTP")
        assert said.count("\n") == 1, said


@test
def who_connects_and_says_nothing_holds_nobody_up():
    with Server("handshake=600000") as s:
        silent = [socket.create_connection(("127.0.0.1", s.port), PATIENCE) for _ in range(20)]
        with python_client(s.port, client_context()) as c:
            c.sendall(b"x")
            assert receive(c, 1) == b"x"
        s.stop()
        for c in silent:
            assert c.recv(1) == b""
            c.close()


@test
def who_does_not_finish_its_handshake_in_time_is_turned_away():
    with Server("handshake=50") as s, socket.create_connection(("127.0.0.1", s.port), PATIENCE) as c:
        assert c.recv(1) == b""
        told(s.line("warning"), "did not finish its handshake in time")


# ---- our client ----------------------------------------


@test
def our_client_and_s_server_exchange_a_mebibyte_and_say_goodbye():
    with SServer("town", "-alpn", "http/1.1") as s:
        thread = pump(s, len(DATA))
        said = client(s.port, f"name={TOWN}", f"bytes={len(DATA)}", "alpn=h2,http/1.1")
        thread.join()
        told(said, "hello TLSv1.3", "alpn=http/1.1", f"peer=CN={TOWN}", f"echoed {len(DATA)}\n", "end orderly")


@test
def s_server_that_is_killed_has_cut_us_off():
    with SServer() as s, Process(OURS, "connect", str(s.port), "ca=ca.pem", f"name={TOWN}", "bytes=1") as c:
        c.line("hello")
        s.shaken()
        assert s.exactly(1)
        s.process.kill()
        told(c.line("end"), "cut off")


@test
def each_wrong_certificate_has_a_sentence_of_its_own():
    sentences = set()
    for certificate, why in (("other", "for another name"), ("expired", "has expired"), ("self", "signed by itself")):
        with SServer(certificate) as s:
            said = client(s.port, f"name={TOWN}")
            told(said, f"failed cannot connect to 127.0.0.1:{s.port}: ", why)
            sentences.add(said.split(f":{s.port}: ")[1])
    assert len(sentences) == 3


@test
def an_unknown_authority_is_not_believed_and_anybody_is_when_told_so():
    with SServer() as s:
        with Process(OURS, "connect", str(s.port), f"name={TOWN}") as c:
            told(c.line("failed"), "signed by somebody unknown")
    with SServer("self") as s:
        thread = pump(s, 3)
        told(client(s.port, f"name={TOWN}", "trust=anybody", "bytes=3"), "hello", "echoed 3", "end orderly")
        thread.join()


@test
def our_client_and_pythons_server_exchange_a_mebibyte_and_say_goodbye():
    seen = []
    with PythonServer(echo(len(DATA))) as s:
        s.context.set_alpn_protocols(["http/1.1"])
        s.context.verify_mode = ssl.CERT_REQUIRED
        s.context.load_verify_locations("ca.pem")
        s.context.sni_callback = lambda sock, name, context: seen.append(name)
        said = client(s.port, f"name={TOWN}", f"bytes={len(DATA)}", "alpn=h2,http/1.1", "cert=ann.pem")
    told(said, "alpn=http/1.1", f"echoed {len(DATA)}\n", "end orderly")
    assert seen == [TOWN] and not s.wrong, (seen, s.wrong)


@test
def our_client_resumes_its_session():
    reused = []

    def each(s):
        reused.append(s.session_reused)
        echo(10)(s)
    with PythonServer(each, times=3) as s:
        said = client(s.port, f"name={TOWN}", "bytes=10", "times=3")
    assert reused == [False, True, True] and not s.wrong, (reused, s.wrong, said)
    assert [line[-1] for line in said.split("\n") if line.startswith("hello")] == ["0", "1", "1"], said


@test
def python_that_closes_without_a_goodbye_has_cut_us_off():
    def each(s):
        assert receive(s, 10)
        s.sendall(b"half a p")
        socket.socket(fileno=s.detach()).close()
    with PythonServer(each) as s:
        told(client(s.port, f"name={TOWN}", "bytes=10"), "end cut off")


@test
def a_server_without_tls_is_told_as_such():
    with PythonServer(lambda s: s.sendall(b"220 hello, here is no TLS\r\n"), plain=True) as s:
        told(client(s.port, f"name={TOWN}"), "does not speak TLS")


@test
def a_server_that_wants_a_certificate_says_so():
    with PythonServer(echo(0)) as s:
        s.context.verify_mode = ssl.CERT_REQUIRED
        s.context.load_verify_locations("ca.pem")
        told(client(s.port, f"name={TOWN}", "bytes=1"), "wants a certificate of ours")


# ---- in the middle of a dialogue (case 115) ----------------------------------------


@test
def smtplib_starts_tls_with_our_server_115():
    with Server("plan=smtp") as s:
        with smtplib.SMTP("127.0.0.1", s.port, timeout=PATIENCE) as c:
            c._host = TOWN                  # whom it calls
            assert c.starttls(context=client_context())[0] == 220
            told(s.line("hello"), f"name={TOWN}")
            assert c.noop()[0] == 250 and c.has_extn("starttls") is False and c.ehlo()[0] == 250
        s.line("end")


@test
def smtplib_does_not_believe_our_wrong_certificate_115():
    with Server("plan=smtp", certificate="other") as s:
        c = smtplib.SMTP("127.0.0.1", s.port, timeout=PATIENCE)
        c._host = TOWN
        try:
            c.starttls(context=client_context())
            raise AssertionError("it was believed")
        except ssl.SSLCertVerificationError as e:
            told(str(e), "Hostname mismatch")
        c.close()
        s.line("failed")
        s.line("end")


def mail_server(s):
    """A dialogue of SMTP up to the end, with TLS in the middle."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(mail_server.certificate + ".pem")
    s.sendall(b"220 here\r\n")
    for line in iter(lambda: receive_line(s), b""):
        if line.startswith(b"STARTTLS"):
            s.sendall(b"220 go ahead\r\n")
            s = context.wrap_socket(s, server_side=True)
        elif line.startswith(b"QUIT"):
            s.sendall(b"221 bye\r\n")
            s.unwrap()
            return
        else:
            s.sendall(b"250-here\r\n250 STARTTLS\r\n")


def receive_line(s):
    line = bytearray()
    while not line.endswith(b"\n") and (more := s.recv(1)):
        line += more
    return bytes(line)


@test
def our_client_starts_tls_with_python_115():
    mail_server.certificate = "town"
    with PythonServer(mail_server, plain=True) as s:
        told(client(s.port, "plan=smtp", f"name={TOWN}"), "hello TLSv1.3", "answered 250")


@test
def our_client_does_not_believe_pythons_wrong_certificate_115():
    mail_server.certificate = "self"
    with PythonServer(mail_server, plain=True) as s:
        told(client(s.port, "plan=smtp", f"name={TOWN}"), "signed by itself")


# ---- all of them ----------------------------------------


def kill_all():
    """Also one that began to be used when the end came, so that no `with` knows it."""
    for p in started:
        p.kill()
        p.wait()


def too_long(*_):
    kill_all()
    raise AssertionError("it took too long")


def run(number, fn):
    signal.alarm(PATIENCE)
    try:
        fn()
        print(f"ok {number} - {fn.__name__}")
    except Exception as e:
        print(f"not ok {number} - {fn.__name__}\n# {type(e).__name__}: " + str(e).replace("\n", "\n# "))
    signal.alarm(0)
    sys.stdout.flush()


def main():
    why = missing()
    if why:
        print(f"1..0 # SKIP {why}")
        return
    print("TAP version 13")
    signal.signal(signal.SIGALRM, too_long)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))       # past all that cleans up
    wanted = [t for t in tests if all(word in t.__name__ for word in sys.argv[1:])]
    with tempfile.TemporaryDirectory(prefix="eddy-tls-") as folder:
        os.chdir(folder)
        try:
            make_certificates()
            for number, fn in enumerate(wanted, 1):
                run(number, fn)
        finally:
            kill_all()
            os.chdir("/")
    print(f"1..{len(wanted)}")


main()
