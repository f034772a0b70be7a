use super::*;

/// A token in three parts, of which the first two are objects.
const JWT: &str = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.dozjgNryP4J3jVmNHl0w5N";

#[test]
fn assignments_and_credentials_are_masked() {
    for (text, expected) in [
        (
            "login failed password=hunter2 for db",
            "login failed password=*** for db",
        ),
        (
            "exit: DB_PASSWORD=\"a b\", retry",
            "exit: DB_PASSWORD=*** retry",
        ),
        (
            "sent Authorization: Bearer eyJhbGciOi9 to it",
            "sent Authorization: Bearer *** to it",
        ),
        ("header 'bearer abcdefgh1'", "header 'bearer ***"),
        (
            "bad env {\"DB_PASSWORD\":\"hunter2\",\"n\":1}",
            "bad env {\"DB_PASSWORD\":***",
        ),
        (
            "bad env {'DB_PASSWORD': 'hunter2'}",
            "bad env {'DB_PASSWORD': ***",
        ),
        ("password: hunter2secret is wrong", "password: *** is wrong"),
        ("a\nSECRET_KEY: hunter\nb", "a\nSECRET_KEY: ***\nb"),
        (
            "run --token abc --verbose failed",
            "run --token *** --verbose failed",
        ),
        (
            "{\\\"password\\\":\\\"a hunter2\\\"} x",
            "{\\\"password\\\":***} x",
        ),
    ] {
        assert_eq!(mask_message(text), expected);
    }
}

#[test]
fn secrets_are_masked_in_all_forms() {
    for text in [
        "Authorization: Bearer {jwt}",
        "line one\nAuthorization: Bearer {jwt}\nline two",
        "header Authorization: Bearer abc.def.ghi rejected",
        "Proxy-Authorization: Bearer hunter2secret",
        "Authorization: Bearer abcdefghijklmnop rejected",
        "Authorization: Basic dTpodW50ZXIyc2VjcmV0",
        "Authorization: APPCODE 83hunter2secret",
        "curl -H 'Authorization: OAuth hunter2secret' failed",
        "authorization=hunter2secret",
        "Bearer abcdefghijklmnopqrstuvwxyz",
        "Bearer AbCdEfGhIjKlMnOpQrStUv",
        "Bearer abc.def.ghi is not valid",
        "bearer hunter2secret",
        "Cookie: theme=dark; session=hunter2secret",
        "X-Auth-Token: hunter2secret",
        "token: {jwt}",
        "got {jwt} from the server",
        "password: hunter2secret",
        "password:hunter2secret",
        "Password = hunter2secret x",
        "passwd='hunter2 secret'",
        "密码=hunter2secret",
        "密码：hunter2secret",
        "密码：hunter2secret，已过期",
        "SECRET_KEY: hunter2secret",
        "AccessKeySecret: hunter2secret9",
        "exec: MYSQL_PASSWORD: hunter2secret",
        "MYSQL_PASSWORD: hunter!secret",
        "SECRET_KEY: hunter",
        "export OSS_ACCESS_KEY_SECRET=hunter2secret",
        "failed: {\"auth\":{\"password\":\"hunter2secret\"}}",
        "failed: {\"auth\": {\"a\": 1, \"password\": \"hunter2secret\"}}",
        "{\\\"password\\\":\\\"hunter2secret\\\"}",
        "{\\\"auth\\\":{\\\"password\\\": \\\"hunter2 secret\\\"}}",
        "curl -u me:hunter2secret http://x",
        "command 'mysql -phunter2secret' failed",
        "--token=hunter2secret --api-key abc9defgh",
        "run --password hunter",
        "--password hunter",
        "failed:\n--password hunter\n",
        "command (--password hunter) failed",
        "password%3Dhunter2secret",
        "POST user%3Dme%26password%3dhunter2secret",
        "see https://h/?next=password%3Dhunter2secret",
        "-----BEGIN PRIVATE KEY-----\nMIIEhunter2secret\n-----END PRIVATE KEY-----",
        "key: -----BEGIN RSA PRIVATE KEY-----\\nMIIEhunter2secret\\n-----END RSA PRIVATE KEY-----",
        "wandb login --relogin hunter2secret9",
        "exec failed: [\"run\", \"--password\", \"hunter2secret\"]",
        "args: ['--token', 'hunter2secret'] rejected",
    ] {
        let text = text.replace("{jwt}", JWT);
        let masked = mask_message(&text);
        let secrets = [
            "hunter", "abc.def", "abcdefgh", "AbCd", "dTpod", "abc9", "MIIE", "eyJ", "dozj",
        ];
        let found: Vec<_> = secrets.iter().filter(|one| masked.contains(*one)).collect();
        assert!(
            found.is_empty() && masked.contains("***"),
            "{text}: {masked}"
        );
    }
}

#[test]
fn messages_without_secrets_are_not_masked() {
    let mut changed: Vec<String> = Vec::new();
    for text in [
        "MountVolume.SetUp failed for volume \"token\" : secret \"db-password\" not found",
        "back-off 5m0s restarting failed container=main pod=x_ci(4f1c0f2a)",
        "Error: couldn't find key password in Secret ci/db, field=token",
        "User \"u\" cannot list resource \"secrets\": authorization: denied for=all",
        "authorization failed: the bearer token has expired, status=401",
        "0/3 nodes are available: key=password: untolerated taint {token: x}",
        "password: required",
        "invalid password: too short",
        "password: must have at least 8 characters",
        "the password is wrong: Access denied for user 'root'@'10.0.0.1' (using password: YES)",
        "token expired",
        "token: expired",
        "token: not found",
        "Bearer authentication failed",
        "WWW-Authenticate: Bearer realm=\"https://auth.example/token\",service=\"registry\"",
        "failed to fetch oauth token: Post \"https://auth.example/token\": dial tcp 10.0.0.1:443",
        "failed to get token: x509: certificate signed by unknown authority",
        "cannot fetch token: oauth2: server response 401 Unauthorized",
        "token: 401",
        "tokens: 4096",
        "max tokens: 131072",
        "failed to read token: /var/run/secrets/kubernetes.io/serviceaccount/token: no such file",
        "failed to sync secret cache: timed out waiting for the condition",
        "references non-existent secret key: tls.crt",
        "secret: registry-credentials-7f9c4 not found",
        "secret: ci/db-2",
        "signature: SHA256 mismatch",
        "invalid signature: unsupported algorithm",
        "set MYSQL_ROOT_PASSWORD: required",
        "MYSQL_ROOT_PASSWORD: must be set",
        "You need to specify one of the following: MYSQL_ROOT_PASSWORD, MYSQL_RANDOM_ROOT_PASSWORD",
        "unknown flag: --password",
        "the option --password is required",
        "use --token or --password-stdin",
        "flags \"--password\", \"--token\" are deprecated",
        "error: --api-key: must not be empty",
        "exit code 137: killed by the kernel (OOM)",
        "Successfully pulled image \"registry.cn-hangzhou.aliyuncs.com/team/key:v1.2\" in 2.5s (2.5s including waiting)",
        "pulling registry/a/b:1.0@sha256:0123456789abcdef0123456789abcdef",
        "Created pod: train-7-4f1c0f2a",
        "job 7f9c4d8e-1a2b-4c3d-8e9f-0a1b2c3d4e5f was deleted by user u-12345678",
        "Authorization: $TOKEN",
        "Authorization: Bearer <token>",
        "password: ***",
        "密码：错误",
        "密码: 长度不足 8 位",
        "密码：长度不足8位，请联系管理员",
        "Password:长度应为8-26位，请修改后重试",
        "密码：错误（剩余3次），作业train-01提交失败",
        "token: 已过期，请重新登录（错误码10013）",
        "token：5分钟后过期，请重新登录，请求ID：4f1c0f2a-1234",
        "accessToken:无效,错误码401",
        "密钥：用户user01的密钥不存在",
        "token: RequestId=7f9c4d8e-1a2b",
        "token: auth.example.com:443 i/o timeout",
        "token: code=401 msg=expired",
        "cannot get password: secret/db-01",
        "Unexpected token: punc2345 (;)",
        "expected ';' before token: 'foo123'",
        "found character that cannot start any token: line12",
        "eos_token: 151643",
        "#token: 123456, token usage: 0.12",
        "pass: epoch12345",
        "--private-key ./id_rsa: no such file",
        "login failed: vault login failed",
        "wandb login failed with exit code 1",
        "docker login -p is insecure",
        "basic checks passed",
        "Container image \"a/b\" already present on machine - took 5ms",
        "2026-11-30T09:50:00Z token: 2026-11-30T09:50:00Z is in the past",
    ] {
        let masked = mask_message(text);
        if masked != text {
            changed.push(masked.into_owned());
        }
    }
    assert_eq!(changed, [""; 0]);
}

#[test]
fn long_messages_are_read_in_linear_time() {
    for part in [
        "\"token\":\"a\",",
        "\"auth\":{",
        "password%3D",
        "a: ",
        "token: ",
        "--token ",
        "eyJ",
        "secret:",
        "\\\"token\\\":",
        "'token=a'",
    ] {
        let text = part.repeat(20_000);
        assert!(!mask_message(&text).is_empty());
    }
}

proptest::proptest! {
    #[test]
    fn no_message_makes_masking_panic(text in "[ \"'=:@%/\\\\3D-]{0,9}(token|密码|Bearer|-p)?[ =:：%'\"]{0,3}\\PC{0,9}") {
        mask_message(&text);
    }
}
