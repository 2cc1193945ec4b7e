"""Chromium walks the sign-in page, without JavaScript, to the page that it came for."""
import base64, hashlib, hmac, shutil, struct, sys, time
from selenium import webdriver
from selenium.webdriver.chrome.service import Service
from selenium.common.exceptions import WebDriverException
from selenium.webdriver.common.by import By
from selenium.webdriver.support import expected_conditions
from selenium.webdriver.support.wait import WebDriverWait

url, name, password, secret = sys.argv[1:5]
options = webdriver.ChromeOptions()
options.binary_location = shutil.which("chromium")
for flag in ("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--ignore-certificate-errors", "--lang=ko"):
    options.add_argument(flag)
options.add_experimental_option("prefs", {"profile.managed_default_content_settings.javascript": 2, "intl.accept_languages": "ko"})
browser = webdriver.Chrome(options=options, service=Service(shutil.which("chromedriver")))
browser.set_page_load_timeout(60)


def code():
    step = struct.pack(">Q", int(time.time()) // 30)
    digest = hmac.new(base64.b32decode(secret + "=" * (-len(secret) % 8)), step, hashlib.sha1).digest()
    at = digest[-1] & 15
    return f"{(struct.unpack('>I', digest[at:at + 4])[0] & 0x7FFFFFFF) % 1000000:06}"


def find(by, what):
    return WebDriverWait(browser, 60).until(expected_conditions.presence_of_element_located((by, what)))


def gone(element):
    """Whether its page has left; while that happens the browser has more than one word for it."""
    try:
        element.is_enabled()
        return False
    except WebDriverException:
        return True


def fill(**fields):
    for field, value in fields.items():
        label = find(By.CSS_SELECTOR, f"label[for={field}]")
        assert label.text, f"{field} has no label"
        find(By.ID, field).send_keys(value)
    button = find(By.CSS_SELECTOR, "button, input[type=submit]")
    button.click()
    WebDriverWait(browser, 60).until(lambda _: gone(button))


def until(what, condition):
    WebDriverWait(browser, 60).until(lambda _: condition(), what)


try:
    browser.get(url)
    until("sent to sign in", lambda: "/.privet/sign-in" in browser.current_url)
    assert find(By.TAG_NAME, "html").get_attribute("lang") == "ko"
    fill(username=name, password="wrong, surely wrong")
    assert find(By.CSS_SELECTOR, "[role=alert]").text
    fill(username=name, password=password)
    until("asked for a code", lambda: "/.privet/sign-in/otp" in browser.current_url)
    fill(code="000000")
    assert find(By.CSS_SELECTOR, "[role=alert]").text
    fill(code=code())
    until("back where it wanted to go", lambda: browser.current_url == url)
    until("the application's page", lambda: "you asked: GET /orders?id=7" in browser.page_source)
    cookies = {cookie["name"]: cookie for cookie in browser.get_cookies()}
    session = cookies["__Host-privet-session"]
    assert session["secure"] and session["httpOnly"] and session["path"] == "/", session
finally:
    browser.quit()
