"""Somebody signs in at the console in one of three ways, and comes to the page that they wanted."""
import sys

site, password, way, who, secret = sys.argv[1:6]
# The provider's page wants a style sheet from elsewhere.
options.add_argument("--host-resolver-rules=MAP localhost 127.0.0.1, MAP cdn.jsdelivr.net 127.0.0.1:9")
options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
start()


def at(target):
    until(f"at {target}", lambda: browser.current_url == site + target)


def turned_away():
    """Nobody is shown anything who has not signed in."""
    browser.get(site + "/people")
    until("sent to sign in", lambda: "/.privet/sign-in?return=" in browser.current_url)


def by_password():
    find("#username").send_keys(who)
    find("#password").send_keys(password)
    press(find("form button"))


def is_in():
    at("/people")
    assert f"{who} (privacy-officer)" in find("header.top").text, find("header.top").text
    # What is grave wants a sign-in of the last minutes, which this is.
    browser.get(site + "/handovers/start")
    at("/handovers/start")
    assert browser.find_elements(By.CSS_SELECTOR, "form.order")
    # Whoever looks is written down by the name that they have signed in with.
    browser.get(site + "/disclosures")
    assert browser.find_elements(By.CSS_SELECTOR, "main table")


def by_passkey():
    authenticator()
    browser.get(site + "/.privet/passkeys")
    until("sent to sign in", lambda: "/.privet/sign-in?return=" in browser.current_url)
    by_password()
    at("/.privet/passkeys")
    find("#name").send_keys("A key")
    press(find("#passkey button"))
    at("/.privet/passkeys")
    assert browser.get_credentials()[0].rp_id == "localhost"
    browser.get(site + "/.privet/sign-out")
    press(find("form button"))
    turned_away()
    # Somebody whom the authenticator does not know gets nowhere, and is told.
    browser.set_user_verified(False)
    find("#passkey button").click()
    until("told", lambda: find("#passkey [role=alert]").is_displayed())
    browser.set_user_verified(True)
    press(find("#passkey button"))
    is_in()


def by_code():
    turned_away()
    by_password()
    until("asked for a code", lambda: "/.privet/sign-in/otp?return=" in browser.current_url)
    # The password alone opens nothing.
    browser.get(site + "/people")
    until("still asked", lambda: "/.privet/sign-in" in browser.current_url)
    browser.get(site + "/.privet/sign-in/otp?return=%2Fpeople")
    find("#code").send_keys("000000")
    press(find("form button"))
    assert find("[role=alert]").text
    find("#code").send_keys(code(secret))
    press(find("form button"))
    is_in()


def to_provider():
    """By the link on the page; it works once the gateway has asked the provider what it is."""
    link = next(link for link in browser.find_elements(By.TAG_NAME, "a") if "/.privet/oidc/start" in link.get_attribute("href"))
    there = link.get_attribute("href")
    press(link)

    def arrived():
        if not browser.current_url.startswith(secret):
            browser.get(there)
        return browser.current_url.startswith(secret)

    until("at the provider", arrived)


def at_provider():
    turned_away()
    to_provider()
    find("input[name=sub]").send_keys("mallory")
    press(find("button[type=submit]"))
    # Whom the provider knows and the registry does not is shown nothing.
    at("/people")
    assert browser.find_elements(By.CSS_SELECTOR, "main .box") and not browser.find_elements(By.TAG_NAME, "table")
    browser.delete_all_cookies()
    turned_away()
    to_provider()
    find("input[name=sub]").send_keys(who)
    press(find("button[type=submit]"))
    is_in()


try:
    {"passkey": by_passkey, "code": by_code, "provider": at_provider}[way]()
    complaints = [entry for entry in browser.get_log("browser") if "Content Security Policy" in entry["message"]]
    assert not complaints, complaints
finally:
    browser.quit()
