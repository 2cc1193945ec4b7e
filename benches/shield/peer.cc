// The field's reference engine, libmodsecurity, on requests from a file: which rules match, and what it costs.
//
//     peer [--messages] [--repeat N] RULES... < REQUESTS
//
// RULES are files of SecLang. REQUESTS are one after the other: a line `LENGTH [LENGTH]`, then a raw HTTP request of the first
// length, then, where there is a second, a raw response of that. Bodies are what follows the head: nothing is unchunked or unpacked.
//
// For each request a line of JSON: `matched` are ids of rules in order (of those with `nolog` or `noauditlog` the engine tells
// nothing), `status` is what it would answer instead (0: nothing), `messages` (on request) are the `msg` of `matched`, `cpu_ns` (with
// --repeat) is the CPU time of the process for all five phases, a mean of N runs after N/10 that warm it up.
#include <modsecurity/modsecurity.h>
#include <modsecurity/rule_message.h>
#include <modsecurity/rules_set.h>
#include <modsecurity/transaction.h>

#include <cstdlib>
#include <ctime>
#include <iostream>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

using modsecurity::ModSecurity;
using modsecurity::RuleMessage;
using modsecurity::RulesSet;
using modsecurity::Transaction;

namespace {

[[noreturn]] void refuse(const std::string &why) {
    std::cerr << "peer: " << why << '\n';
    std::exit(2);
}

// A request or a response.
struct Message {
    std::string first, body;
    std::vector<std::pair<std::string, std::string>> headers;

    explicit Message(std::string_view raw) {
        bool head = true;
        while (head && !raw.empty()) {
            const auto end = raw.find('\n');
            std::string_view line = raw.substr(0, end);
            raw.remove_prefix(end == std::string_view::npos ? raw.size() : end + 1);
            if (!line.empty() && line.back() == '\r') line.remove_suffix(1);
            if (first.empty()) {
                first = line;
            } else if (line.empty()) {
                head = false;
            } else {
                const auto colon = line.find(':');
                std::string_view value = colon == std::string_view::npos ? std::string_view() : line.substr(colon + 1);
                while (!value.empty() && (value.front() == ' ' || value.front() == '\t')) value.remove_prefix(1);
                while (!value.empty() && (value.back() == ' ' || value.back() == '\t')) value.remove_suffix(1);
                headers.emplace_back(line.substr(0, colon), value);
            }
        }
        body = raw;
    }

    // The words of the first line: three at most, the last with the blanks that are left.
    std::vector<std::string> words() const {
        std::vector<std::string> found;
        std::string_view rest = first;
        for (auto blank = rest.find(' '); blank != std::string_view::npos && found.size() < 2; blank = rest.find(' ')) {
            found.emplace_back(rest.substr(0, blank));
            rest.remove_prefix(blank + 1);
        }
        found.emplace_back(rest);
        found.resize(3);
        return found;
    }
};

// What a transaction came to.
struct Outcome {
    std::vector<std::pair<int64_t, std::string>> matched;
    int status = 0;
};

// The engine wants to be heard, and would talk to the standard error otherwise; but it does not tell of a rule that refuses.
void unheard(void *, const void *) {}

bool refused(Transaction &transaction, Outcome &outcome) {
    modsecurity::ModSecurityIntervention_t intervention;
    modsecurity::intervention::clean(&intervention);
    transaction.intervention(&intervention);
    if (intervention.disruptive) outcome.status = intervention.status;
    modsecurity::intervention::free(&intervention);
    return intervention.disruptive;
}

// Phases 1 to 4; the first that refuses is the last.
void inspect(Transaction &transaction, const Message &request, const Message *response, Outcome &outcome) {
    transaction.processConnection("127.0.0.1", 40000, "127.0.0.1", 80);
    const auto words = request.words();
    const auto slash = words[2].find('/');
    transaction.processURI(words[1].c_str(), words[0].c_str(), words[2].substr(slash == std::string::npos ? 0 : slash + 1).c_str());
    for (const auto &[name, value] : request.headers) transaction.addRequestHeader(name, value);
    transaction.processRequestHeaders();
    if (refused(transaction, outcome)) return;
    if (!request.body.empty()) {
        transaction.appendRequestBody(reinterpret_cast<const unsigned char *>(request.body.data()), request.body.size());
    }
    transaction.processRequestBody();
    if (refused(transaction, outcome) || response == nullptr) return;
    for (const auto &[name, value] : response->headers) transaction.addResponseHeader(name, value);
    const auto status = response->words();
    transaction.processResponseHeaders(std::atoi(status[1].c_str()), status[0]);
    if (refused(transaction, outcome)) return;
    if (!response->body.empty()) {
        transaction.appendResponseBody(reinterpret_cast<const unsigned char *>(response->body.data()), response->body.size());
    }
    transaction.processResponseBody();
    refused(transaction, outcome);
}

Outcome run(ModSecurity &engine, RulesSet &rules, const Message &request, const Message *response) {
    Outcome outcome;
    Transaction transaction(&engine, &rules, nullptr);
    inspect(transaction, request, response, outcome);
    transaction.processLogging();
    for (const RuleMessage &message : transaction.m_rulesMessages) outcome.matched.emplace_back(message.m_ruleId, message.m_message);
    return outcome;
}

int64_t cpu() {
    timespec now;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return int64_t(now.tv_sec) * 1000000000 + now.tv_nsec;
}

// As a string of JSON; a byte beyond ASCII as the character of that number.
void print(const std::string &text) {
    static const char digits[] = "0123456789abcdef";
    std::cout << '"';
    for (const unsigned char byte : text) {
        if (byte == '"' || byte == '\\') {
            std::cout << '\\' << byte;
        } else if (byte < 0x20 || byte >= 0x7f) {
            std::cout << "\\u00" << digits[byte >> 4] << digits[byte & 15];
        } else {
            std::cout << byte;
        }
    }
    std::cout << '"';
}

std::string take(size_t length) {
    std::string bytes(length, '\0');
    if (!std::cin.read(bytes.data(), static_cast<std::streamsize>(length))) refuse("the requests end within one");
    return bytes;
}

}  // namespace

int main(int count, char **arguments) {
    bool messages = false;
    long repeat = 0;
    ModSecurity engine;
    engine.setConnectorInformation("peer");
    engine.setServerLogCb(unheard, modsecurity::RuleMessageLogProperty);
    RulesSet rules;
    bool any = false;
    for (int at = 1; at < count; at++) {
        const std::string argument = arguments[at];
        if (argument == "--messages") {
            messages = true;
        } else if (argument == "--repeat" && at + 1 < count) {
            repeat = std::atol(arguments[++at]);
            if (repeat < 1) refuse("--repeat needs a number above 0");
        } else if (rules.loadFromUri(argument.c_str()) < 0) {
            refuse(argument + ": " + rules.getParserError());
        } else {
            any = true;
        }
    }
    if (!any) refuse("name a file of rules");

    std::string line;
    while (std::getline(std::cin, line)) {
        if (line.empty()) continue;
        char *rest = nullptr;
        const size_t length = std::strtoul(line.c_str(), &rest, 10);
        const size_t answer = *rest == ' ' ? std::strtoul(rest + 1, &rest, 10) : 0;
        if (length == 0 || *rest != '\0') refuse("not a line of lengths: " + line);
        const Message request(take(length));
        const std::string raw = take(answer);
        const Message reply(raw);
        const Message *response = answer == 0 ? nullptr : &reply;
        const Outcome outcome = run(engine, rules, request, response);
        int64_t spent = 0;
        if (repeat > 0) {
            for (long at = 0; at < repeat / 10; at++) run(engine, rules, request, response);
            const int64_t start = cpu();
            for (long at = 0; at < repeat; at++) run(engine, rules, request, response);
            spent = (cpu() - start) / repeat;
        }
        std::cout << "{\"matched\":[";
        for (size_t at = 0; at < outcome.matched.size(); at++) std::cout << (at ? "," : "") << outcome.matched[at].first;
        std::cout << "],\"status\":" << outcome.status;
        if (messages) {
            std::cout << ",\"messages\":[";
            for (size_t at = 0; at < outcome.matched.size(); at++) {
                if (at) std::cout << ',';
                print(outcome.matched[at].second);
            }
            std::cout << ']';
        }
        if (repeat > 0) std::cout << ",\"cpu_ns\":" << spent;
        std::cout << "}" << std::endl;
    }
    return 0;
}
