//! The variables and collections of `SecLang`, and how a rule chooses among their members.

use regex::bytes::Regex;

macro_rules! variables {
    ($($name:ident $text:literal $collection:literal)*) => {
        /// What a rule can look at.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum Variable {
            $(
                #[doc = concat!("`", $text, "`")]
                $name,
            )*
        }

        impl Variable {
            /// All of them.
            pub const ALL: &'static [Self] = &[$(Self::$name),*];

            /// The one of this name, in any case.
            #[must_use]
            pub fn named(name: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|variable| variable.name().eq_ignore_ascii_case(name))
            }

            /// Its name.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self { $(Self::$name => $text,)* }
            }

            /// Whether it has members with names of their own.
            #[must_use]
            pub const fn is_collection(self) -> bool {
                match self { $(Self::$name => $collection,)* }
            }
        }
    };
}

variables! {
    Args "ARGS" true
    ArgsCombinedSize "ARGS_COMBINED_SIZE" false
    ArgsGet "ARGS_GET" true
    ArgsGetNames "ARGS_GET_NAMES" true
    ArgsNames "ARGS_NAMES" true
    ArgsPost "ARGS_POST" true
    ArgsPostNames "ARGS_POST_NAMES" true
    AuthType "AUTH_TYPE" false
    Duration "DURATION" false
    Env "ENV" true
    Files "FILES" true
    FilesCombinedSize "FILES_COMBINED_SIZE" false
    FilesNames "FILES_NAMES" true
    FilesSizes "FILES_SIZES" true
    FullRequest "FULL_REQUEST" false
    FullRequestLength "FULL_REQUEST_LENGTH" false
    Geo "GEO" true
    Global "GLOBAL" true
    HighestSeverity "HIGHEST_SEVERITY" false
    InboundDataError "INBOUND_DATA_ERROR" false
    Ip "IP" true
    MatchedVar "MATCHED_VAR" false
    MatchedVarName "MATCHED_VAR_NAME" false
    MatchedVars "MATCHED_VARS" true
    MatchedVarsNames "MATCHED_VARS_NAMES" true
    MultipartBoundaryQuoted "MULTIPART_BOUNDARY_QUOTED" false
    MultipartBoundaryWhitespace "MULTIPART_BOUNDARY_WHITESPACE" false
    MultipartCrlfLfLines "MULTIPART_CRLF_LF_LINES" false
    MultipartDataAfter "MULTIPART_DATA_AFTER" false
    MultipartDataBefore "MULTIPART_DATA_BEFORE" false
    MultipartFileLimitExceeded "MULTIPART_FILE_LIMIT_EXCEEDED" false
    MultipartFilename "MULTIPART_FILENAME" true
    MultipartHeaderFolding "MULTIPART_HEADER_FOLDING" false
    MultipartInvalidHeaderFolding "MULTIPART_INVALID_HEADER_FOLDING" false
    MultipartInvalidPart "MULTIPART_INVALID_PART" false
    MultipartInvalidQuoting "MULTIPART_INVALID_QUOTING" false
    MultipartLfLine "MULTIPART_LF_LINE" false
    MultipartMissingSemicolon "MULTIPART_MISSING_SEMICOLON" false
    MultipartName "MULTIPART_NAME" true
    MultipartPartHeaders "MULTIPART_PART_HEADERS" true
    MultipartStrictError "MULTIPART_STRICT_ERROR" false
    MultipartUnmatchedBoundary "MULTIPART_UNMATCHED_BOUNDARY" false
    OutboundDataError "OUTBOUND_DATA_ERROR" false
    PathInfo "PATH_INFO" false
    QueryString "QUERY_STRING" false
    RemoteAddr "REMOTE_ADDR" false
    RemoteHost "REMOTE_HOST" false
    RemotePort "REMOTE_PORT" false
    RemoteUser "REMOTE_USER" false
    ReqbodyError "REQBODY_ERROR" false
    ReqbodyErrorMsg "REQBODY_ERROR_MSG" false
    ReqbodyProcessor "REQBODY_PROCESSOR" false
    ReqbodyProcessorError "REQBODY_PROCESSOR_ERROR" false
    ReqbodyProcessorErrorMsg "REQBODY_PROCESSOR_ERROR_MSG" false
    RequestBasename "REQUEST_BASENAME" false
    RequestBody "REQUEST_BODY" false
    RequestBodyLength "REQUEST_BODY_LENGTH" false
    RequestCookies "REQUEST_COOKIES" true
    RequestCookiesNames "REQUEST_COOKIES_NAMES" true
    RequestFilename "REQUEST_FILENAME" false
    RequestHeaders "REQUEST_HEADERS" true
    RequestHeadersNames "REQUEST_HEADERS_NAMES" true
    RequestLine "REQUEST_LINE" false
    RequestMethod "REQUEST_METHOD" false
    RequestProtocol "REQUEST_PROTOCOL" false
    RequestUri "REQUEST_URI" false
    RequestUriRaw "REQUEST_URI_RAW" false
    Resource "RESOURCE" true
    ResponseBody "RESPONSE_BODY" false
    ResponseContentLength "RESPONSE_CONTENT_LENGTH" false
    ResponseContentType "RESPONSE_CONTENT_TYPE" false
    ResponseHeaders "RESPONSE_HEADERS" true
    ResponseHeadersNames "RESPONSE_HEADERS_NAMES" true
    ResponseProtocol "RESPONSE_PROTOCOL" false
    ResponseStatus "RESPONSE_STATUS" false
    Rule "RULE" true
    ServerAddr "SERVER_ADDR" false
    ServerName "SERVER_NAME" false
    ServerPort "SERVER_PORT" false
    Session "SESSION" true
    SessionId "SESSIONID" false
    StatusLine "STATUS_LINE" false
    Time "TIME" false
    TimeDay "TIME_DAY" false
    TimeEpoch "TIME_EPOCH" false
    TimeHour "TIME_HOUR" false
    TimeMin "TIME_MIN" false
    TimeMon "TIME_MON" false
    TimeSec "TIME_SEC" false
    TimeWday "TIME_WDAY" false
    TimeYear "TIME_YEAR" false
    Tx "TX" true
    UniqueId "UNIQUE_ID" false
    UrlencodedError "URLENCODED_ERROR" false
    User "USER" true
    UserId "USERID" false
    Xml "XML" true
}

/// What is chosen of a collection.
#[derive(Debug, Clone)]
pub enum Selector {
    /// The member of this name, in any case; kept in lower case.
    Name(Vec<u8>),
    /// Members whose names match.
    Pattern(Regex),
}

impl PartialEq for Selector {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Name(a), Self::Name(b)) => a == b,
            (Self::Pattern(a), Self::Pattern(b)) => a.as_str() == b.as_str(),
            _ => false,
        }
    }
}

impl Eq for Selector {}

impl Selector {
    /// Whether a member of this name is chosen.
    #[must_use]
    pub fn chooses(&self, name: &[u8]) -> bool {
        match self {
            Self::Name(wanted) => wanted.eq_ignore_ascii_case(name),
            Self::Pattern(pattern) => pattern.is_match(name),
        }
    }
}

/// A variable, or members of a collection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Choice {
    /// Of what.
    pub variable: Variable,
    /// Which; all where absent.
    pub selector: Option<Selector>,
}

impl Choice {
    /// Whether a member `name` of `variable` belongs to it; the other way round from a rule's target: used for exclusions. What is said of `ARGS`
    /// holds for the arguments of query and body alike.
    #[must_use]
    pub fn covers(&self, variable: Variable, name: &[u8]) -> bool {
        let same = self.variable == variable
            || matches!(
                (self.variable, variable),
                (Variable::Args, Variable::ArgsGet | Variable::ArgsPost)
                    | (Variable::ArgsNames, Variable::ArgsGetNames | Variable::ArgsPostNames)
            );
        same && self.selector.as_ref().is_none_or(|selector| selector.chooses(name))
    }
}

/// What a rule looks at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    /// The variable or members.
    pub choice: Choice,
    /// Whether they are counted instead (`&`).
    pub count: bool,
    /// Whether they are taken out of what others choose (`!`).
    pub excluded: bool,
}
