"""Chromium, driven; what the scripts of the pages have in common stands before them."""
import shutil
from selenium import webdriver
from selenium.common.exceptions import WebDriverException
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.by import By
from selenium.webdriver.support import expected_conditions
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


