#include "tests/integration/injection/payloads.h"

namespace laptime::testing {
namespace {

using namespace std::string_literals;

// Every beginning with every end: what closes the text before, what is done, what hides the rest.
void Combine(std::vector<Payload>& payloads, const std::string& family,
             const std::vector<std::string>& begins, const std::vector<std::string>& bodies,
             const std::vector<std::string>& ends) {
  for (const std::string& body : bodies) {
    for (const std::string& begin : begins) {
      for (const std::string& end : ends)
        payloads.push_back({family, std::string(begin).append(body).append(end)});
    }
  }
}

void AddAll(std::vector<Payload>& payloads, const std::string& family,
            const std::vector<std::string>& texts) {
  for (const std::string& text : texts) payloads.push_back({family, text});
}

}  // namespace

std::vector<Payload> SqlPayloads(const std::string& outside) {
  std::vector<Payload> payloads;
  Combine(payloads, "tautology", {"' ", "\" ", "') ", "1 "}, {"OR 1=1", "OR 'a'='a'"}, {" --", ""});
  Combine(payloads, "stacked", {"'; ", "\"; ", "1; ", "x'); "},
          {"DROP TABLE run", "DELETE FROM run", "UPDATE run SET state=4",
           "INSERT INTO host(id,name) VALUES('x','x')"},
          {"; --"});
  Combine(payloads, "union", {"' ", "') "},
          {"UNION SELECT sql FROM sqlite_schema", "UNION ALL SELECT 1,2,3,4,5,6,7,8"}, {" --"});
  Combine(payloads, "files", {"'; ", "1; "},
          {"ATTACH DATABASE '" + outside + "/attached.db' AS a; CREATE TABLE a.t(x)",
           "VACUUM INTO '" + outside + "/copy.db'", "PRAGMA journal_mode=DELETE",
           "PRAGMA writable_schema=1"},
          {"; --"});
  Combine(
      payloads, "functions", {"' || ", "1, "},
      {"load_extension('x')", "writefile('" + outside + "/written','x')", "randomblob(900000000)"},
      {" || '", ") --"});
  AddAll(payloads, "endless",
         {"' OR (WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x+1 FROM c) SELECT count(*) "
          "FROM c) --"});
  AddAll(payloads, "quoting",
         {"\\'; DROP TABLE run; --", "''; DROP TABLE run; --", "%27; DROP TABLE run; --",
          "\xEF\xBC\x87; DROP TABLE run; --", "`; DROP TABLE run; --", "]; DROP TABLE run; --",
          "'\0; DROP TABLE run; --"s, "'/**/OR/**/1=1/**/--", "';\nDROP TABLE run;--", "?1",
          ":name", "@p", "$1"});
  AddAll(payloads, "wildcards", {"%", "_", "*", "[a-z]*", "%%%%", "\\%"});
  AddAll(payloads, "filters",
         {"device=\"x' OR 1=1 --\"", "label.a'b=c", "id=' OR 1=1", "workload~%' OR 1=1 --",
          "state=succeeded' OR 1=1", "id=\"x\"\" OR 1=1\"", "rowid=1", "sqlite_schema=1", "1=1",
          "device=x) OR (1=1"});
  return payloads;
}

std::vector<Payload> PathPayloads(const std::string& outside) {
  std::vector<Payload> payloads;
  Combine(payloads, "climbing", {"../", "../../", "../../../../../../../../", "./../", "a/../../"},
          {"outside/climbed"}, {"", ".db", "\0.txt"s});
  Combine(payloads, "absolute", {""}, {outside + "/absolute", "/" + outside + "/twice"},
          {"", "/", ".toml"});
  Combine(payloads, "encoded", {"%2e%2e%2f", "..%2f", "..%c0%af", "....//", "..\\", "..%5c"},
          {"outside/encoded"}, {""});
  AddAll(payloads, "systems",
         {"/etc/passwd", "file:///etc/passwd", "~/.ssh/authorized_keys", "/proc/self/environ",
          "\\\\host\\share", "C:\\x", ".", "..", "/", "//", "/dev/full", "-rf", "--help"});
  Combine(payloads, "shell", {"", "x"},
          {"$(touch " + outside + "/shell)", "`touch " + outside + "/shell`",
           "; touch " + outside + "/shell", "| touch " + outside + "/shell",
           "\ntouch " + outside + "/shell\n", "&& touch " + outside + "/shell",
           "> " + outside + "/shell"},
          {""});
  return payloads;
}

std::vector<Payload> OutputPayloads() {
  std::vector<Payload> payloads;
  // Octal, because a hexadecimal escape takes every digit that follows.
  AddAll(payloads, "terminal",
         {"\033[2J\033[H", "\033]0;title\007", "\033]52;c;cm0gLXJm\007", "\033P1$r\033\\",
          "\033[6n", "\033]8;;http://x\007link\033]8;;\007", "\033[31mred", "\033c", "\302\2332J",
          "\302\220q\302\234", "a\bb\b", "good\rbad ", "\007\007", "\177", "\016", "a\0b"s,
          "line\nerror: forged", "tab\tstop", "\013\014"});
  AddAll(payloads, "direction",
         {"\342\200\256txt.exe", "\342\200\255a", "\342\201\246a\342\201\251", "\342\201\247a",
          "\342\201\250a", "\342\200\216a", "\342\200\217a", "\330\234a", "a\342\200\250b",
          "a\342\200\251b"});
  Combine(payloads, "formula",
          {"=", "+", "-", "@", " =",
           "\t=", "\r=", "a;=", "a\t=", "a,=", "\"=", "\";=", "x\n=", "; -", "'\n+"},
          {"1+1", "cmd|' /C calc'!A0", "HYPERLINK(\"http://x\",\"y\")"}, {""});
  AddAll(payloads, "html",
         {"<script>alert(1)</script>", "<img src=x onerror=alert(1)>", "\"><svg onload=alert(1)>",
          "</td></tr></table>", "<!--", "]]>", "&lt;script&gt;", "<a href=javascript:alert(1)>",
          "[x](javascript:alert(1))", "![x](http://x/y.png)", "a | b | c |", "\\\\| a", "```\n# x",
          "**b** _i_ ~~s~~", "</script><script>", "<"});
  return payloads;
}

}  // namespace laptime::testing
