"""Chromium, driven; what the scripts of the pages have in common stands before them."""
import base64, hashlib, hmac, shutil, struct, time
from selenium import webdriver
from selenium.common.exceptions import WebDriverException
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.by import By
from selenium.webdriver.support import expected_conditions
from selenium.webdriver.common.virtual_authenticator import VirtualAuthenticatorOptions
from selenium.webdriver.support.wait import WebDriverWait

options = webdriver.ChromeOptions()
options.binary_location = shutil.which("chromium")
for flag in ("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--ignore-certificate-errors"):
    options.add_argument(flag)


def start():
    """The browser; `options` may be added to before."""
    global browser
    browser = webdriver.Chrome(options=options, service=Service(shutil.which("chromedriver")))
    browser.set_page_load_timeout(60)


def find(what):
    return WebDriverWait(browser, 60).until(expected_conditions.presence_of_element_located((By.CSS_SELECTOR, what)))


def until(what, condition):
    try:
        WebDriverWait(browser, 60).until(lambda _: condition())
    except Exception:
        print(what, browser.current_url, browser.page_source, browser.get_log("browser"))
        raise


def gone(element):
    """Whether its page has left; while that happens the browser has more than one word for it."""
    try:
        element.is_enabled()
        return False
    except WebDriverException:
        return True


def press(button):
    """Presses, and waits for the next page."""
    until("shown", button.is_displayed)
    button.click()
    until("gone on", lambda: gone(button))


def authenticator():
    """Gives the browser an authenticator of its own, whose owner is there."""
    browser.add_virtual_authenticator(VirtualAuthenticatorOptions(
        protocol="ctap2", transport="internal", has_resident_key=True, has_user_verification=True, is_user_verified=True))


def code(secret):
    """The one-time code of this moment."""
    step = struct.pack(">Q", int(time.time()) // 30)
    digest = hmac.new(base64.b32decode(secret + "=" * (-len(secret) % 8)), step, hashlib.sha1).digest()
    at = digest[-1] & 15
    return f"{(struct.unpack('>I', digest[at:at + 4])[0] & 0x7FFFFFFF) % 1000000:06}"


