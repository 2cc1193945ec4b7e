"""Chromium adds a passkey, of its virtual authenticator, signs in by it, and steps up by it after a password."""
import sys

site, name, password = sys.argv[1:4]
options.add_argument("--host-resolver-rules=MAP localhost 127.0.0.1")
options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
start()


def by_password():
    find("#username").send_keys(name)
    find("#password").send_keys(password)
    press(find("form button"))


def at(target):
    until(f"at {target}", lambda: browser.current_url == site + target)


def sign_out():
    browser.get(site + "/.privet/sign-out")
    press(find("form button"))


try:
    authenticator()

    # Nobody, then by password; the page for passkeys.
    browser.get(site + "/.privet/passkeys")
    until("sent to sign in", lambda: "/.privet/sign-in?return=" in browser.current_url)
    by_password()
    at("/.privet/passkeys")
    find("#name").send_keys("My laptop")
    press(find("#passkey button"))
    at("/.privet/passkeys")
    assert "My laptop" in find("li").text
    assert len(browser.get_credentials()) == 1
    assert browser.get_credentials()[0].rp_id == "localhost"

    # Out, and in again by it alone; which are two factors.
    sign_out()
    browser.get(site + "/twice?a=b")
    until("sent to sign in", lambda: "/.privet/sign-in?return=" in browser.current_url)
    press(find("#passkey button"))
    at("/twice?a=b")
    until("the application's page", lambda: "you asked: GET /twice?a=b" in browser.page_source)

    # Out, and by password; then the passkey is due.
    sign_out()
    browser.get(site + "/twice")
    by_password()
    until("asked for more", lambda: "/.privet/sign-in/otp?return=" in browser.current_url)
    assert not browser.find_elements(By.ID, "code")
    # Somebody who is not verified gets nowhere, and is told.
    browser.set_user_verified(False)
    find("#passkey button").click()
    until("told", lambda: find("#passkey [role=alert]").is_displayed())
    browser.set_user_verified(True)
    press(find("#passkey button"))
    at("/twice")

    # The browser itself does not make a second one in the same authenticator.
    browser.get(site + "/.privet/passkeys")
    find("#name").send_keys("Again")
    find("#passkey button").click()
    until("told", lambda: find("#passkey [role=alert]").is_displayed())
    assert len(browser.find_elements(By.TAG_NAME, "li")) == 1
    complaints = [entry for entry in browser.get_log("browser") if "Content Security Policy" in entry["message"]]
    assert not complaints, complaints
finally:
    browser.quit()
