"""Chromium walks the sign-in page, without JavaScript, to the page that it came for."""
import sys

url, name, password, secret = sys.argv[1:5]
options.add_argument("--lang=ko")
options.add_experimental_option("prefs", {"profile.managed_default_content_settings.javascript": 2, "intl.accept_languages": "ko"})
start()


def fill(**fields):
    for field, value in fields.items():
        assert find(f"label[for={field}]").text, f"{field} has no label"
        find(f"#{field}").send_keys(value)
    press(find("button, input[type=submit]"))


try:
    browser.get(url)
    until("sent to sign in", lambda: "/.privet/sign-in" in browser.current_url)
    assert find("html").get_attribute("lang") == "ko"
    fill(username=name, password="wrong, surely wrong")
    assert find("[role=alert]").text
    fill(username=name, password=password)
    until("asked for a code", lambda: "/.privet/sign-in/otp" in browser.current_url)
    fill(code="000000")
    assert find("[role=alert]").text
    fill(code=code(secret))
    until("back where it wanted to go", lambda: browser.current_url == url)
    until("the application's page", lambda: "you asked: GET /orders?id=7" in browser.page_source)
    cookies = {cookie["name"]: cookie for cookie in browser.get_cookies()}
    session = cookies["__Host-privet-session"]
    assert session["secure"] and session["httpOnly"] and session["path"] == "/", session
finally:
    browser.quit()
